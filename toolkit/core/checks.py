"""One line of a verdict or of a preflight, and how lines add up."""

from collections.abc import Iterable
from enum import StrEnum

from attrs import frozen


class Status(StrEnum):
    """How one check ended, from good to bad."""

    OK = "OK"
    WARN = "WARN"  # it may go wrong
    UNKNOWN = "??"
    FAIL = "FAIL"

    @classmethod
    def _missing_(cls, value: object) -> "Status | None":
        """Read what version 0.1 wrote for FAIL."""
        return cls.FAIL if value == "NG" else None


@frozen
class Check:
    """One line of the tree; its own status already counts its children's.

    ``finding`` names the row of the diagnosis table that says more, where one does; a check that is
    OK may have one, too. ``hint`` is the one next step, where the check itself knows it.
    """

    name: str
    status: Status
    detail: str
    children: tuple["Check", ...] = ()
    finding: str | None = None
    hint: str = ""


_WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WARN)


def worst(statuses: Iterable[Status]) -> Status:
    """FAIL before UNKNOWN before WARN before OK."""
    present = set(statuses)
    return next((status for status in _WORST_FIRST if status in present), Status.OK)
