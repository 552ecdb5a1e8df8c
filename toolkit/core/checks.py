"""One line of a verdict, and how lines add up."""

from collections.abc import Iterable
from enum import StrEnum

from attrs import frozen


class Status(StrEnum):
    """How one check ended."""

    OK = "OK"
    NG = "NG"
    UNKNOWN = "??"


@frozen
class Check:
    """One line of the tree; its own status already counts its children's.

    ``finding`` names the row of the diagnosis table that says more, where one does; a check that is
    OK may have one, too.
    """

    name: str
    status: Status
    detail: str
    children: tuple["Check", ...] = ()
    finding: str | None = None


def worst(statuses: Iterable[Status]) -> Status:
    """NG before UNKNOWN before OK."""
    found = set(statuses)
    for status in (Status.NG, Status.UNKNOWN):
        if status in found:
            return status
    return Status.OK
