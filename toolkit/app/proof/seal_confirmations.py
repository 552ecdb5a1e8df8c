"""What vouches for a seal: its signature, and the seal that was written after it."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property
from hashlib import sha256

from toolkit.app.app import App
from toolkit.app.proof.seal_signatures import SealSignatures
from toolkit.core.errors import ConfigError, EvidenceError
from toolkit.core.proof.evidence import StoredObject
from toolkit.core.proof.seal import Link, Seal
from toolkit.core.proof.seal_chain import Chain, Problem, without_rows
from toolkit.core.proof.seal_witness import Confirmation
from toolkit.core.proof.signature import Signature

# So many of the seals that were written next are read, mostly the first alone. A seal names what
# nothing named before, so that it is the first of them; several are of one second, and two audits
# may write at once.
_NEXT = 32


class SealConfirmations:
    """Reads seals and says what vouches for each; their signatures are checked while they pass by.

    Ledger and verdict take a seal for a witness by the same rule, this one. ``problems`` are those
    of seals that their own signature refutes, or the lack of one.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._signatures = SealSignatures(app)
        self._signers: dict[Link, str] = {}
        self._made_after: dict[str, tuple[Link, ...]] = {}
        self._known: dict[Link, Confirmation | None] = {}
        self.problems: dict[str, Problem] = {}

    def days(
        self, listed: Iterable[StoredObject]
    ) -> Iterator[tuple[date, Iterator[tuple[str, bytes]]]]:
        """The contents of listed seals, day by day."""
        for day, rows in self._app.seals.days(listed, self._signed):
            yield day, self._checked(rows)

    def take(self, chain: Chain) -> None:
        """Note which seals those that were read were made after."""
        for day in chain.days.values():
            self._made_after |= {seal.key: seal.previous for seal in day.seals}

    def of(self, link: Link, named_by: str) -> Confirmation | None:
        """What vouches for a seal that was read; None where nothing does.

        Args:
            link: the seal as it was read.
            named_by: the key of a seal that is known to name it; empty where none is.
        """
        if link not in self._known:
            found = self._signers.get(link, "")
            if not found and link.key not in self.problems:
                found = named_by or self._later(link)
                self._check_unsigned(link, found)
            confirmation = Confirmation(link.key, link.sha256, found) if found else None
            self._known[link] = None if link.key in self.problems else confirmation
        return self._known[link]

    def _checked(
        self, rows: Iterable[tuple[str, bytes, bytes | None]]
    ) -> Iterator[tuple[str, bytes]]:
        for key, seal, signature in rows:
            if signature is not None:
                self._check(key, seal, signature)
            yield key, seal

    @cached_property
    def _signed(self) -> frozenset[str]:
        """The SHA-256 of the seals that have a signature, good or bad."""
        return self._app.seals.signed()

    def _check(self, key: str, seal: bytes, stored: bytes) -> None:
        """Note who signed a seal, or that its signature does not hold."""
        try:
            wrong = self._signatures.problem(seal, stored)
        except ConfigError:
            return  # the package that checks signatures is not installed: the chain has to do
        if wrong:
            self.problems[key] = Problem(key, f"its signature does not hold: {wrong}")
        else:
            link = Link(key, sha256(seal).hexdigest())
            self._signers[link] = Signature.from_json(stored).keyid

    def _check_unsigned(self, link: Link, later: str) -> None:
        """Note a seal that nobody signed, although those that it was made after, or beside, are.

        Whoever can write into the bucket could add it, and an audit makes its own after it.
        """
        if not self._signed or link.sha256 in self._signed:
            return
        beside = [each for each in self._previous(later) if each != link] if later else []
        if any(each.sha256 in self._signed for each in (*self._previous(link.key), *beside)):
            text = "it is not signed, and the seals before it or beside it are"
            self.problems[link.key] = Problem(link.key, text)

    def _previous(self, key: str) -> tuple[Link, ...]:
        if key not in self._made_after:
            self._made_after[key] = _named(self._app.seals.raw([key]).get(key, b""))
        return self._made_after[key]

    def _later(self, link: Link) -> str:
        """A seal that was written after another and names it as it is; empty where none does."""
        following = self._next(link.key)
        for seals in (following[:1], following[1:]):
            for key, content in self._app.seals.contents(seals):
                previous = _named(content)
                if link in previous:
                    return key
                if any(other.key == link.key for other in previous):
                    text = f"it is not the seal that {key} was made after: it was altered"
                    self.problems[link.key] = Problem(link.key, text)
                    return ""
        return ""

    def _next(self, key: str) -> list[StoredObject]:
        """The seals that were written next, and those of the same second."""
        place = next((n for n, row in enumerate(self._written) if row.key == key), 0)
        own = self._written[place].modified_at if self._written else ""
        beside = [row for row in self._written[:place] if row.modified_at == own]
        return [*self._written[place + 1 :], *reversed(beside)][:_NEXT]

    @cached_property
    def _written(self) -> list[StoredObject]:
        """All seals in the order in which they were written."""
        return sorted(self._app.seals.listed(), key=lambda row: (row.modified_at, row.key))


def _named(content: bytes) -> tuple[Link, ...]:
    """The seals that a seal was made after; none where it cannot be read."""
    try:
        return Seal.from_json(content, without_rows).previous
    except EvidenceError:
        return ()
