"""What vouches for a seal: its signature, and the seal that was written after it."""

from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256

from toolkit.app.app import App
from toolkit.app.proof.seal_signatures import SealSignatures
from toolkit.core.errors import ConfigError, EvidenceError
from toolkit.core.proof.evidence import StoredObject
from toolkit.core.proof.seal import Link, Seal
from toolkit.core.proof.seal_chain import Problem, without_rows
from toolkit.core.proof.seal_witness import Confirmation
from toolkit.core.proof.signature import Signature

# So many of the seals that were written next are read. A seal names what nothing named before, so
# that it is the first of them; several are of one second, and two audits may write at once.
_NEXT = 32


class SealConfirmations:
    """Asks for each seal once; ``problems`` are those of seals that their own signature refutes."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._signatures = SealSignatures(app)
        self._known: dict[Link, Confirmation | None] = {}
        self.problems: dict[str, Problem] = {}

    def of(self, link: Link, named_by: str) -> Confirmation | None:
        """What vouches for a seal; None where nothing does.

        Args:
            link: the seal as it was read.
            named_by: the key of a seal that is known to name it; empty where none is.
        """
        if link not in self._known:
            found = self._signer(link)
            if not found and link.key not in self.problems:
                found = named_by or self._later(link)
                self._check_unsigned(link, found)
            confirmation = Confirmation(link.key, link.sha256, found) if found else None
            self._known[link] = None if link.key in self.problems else confirmation
        return self._known[link]

    def _signer(self, link: Link) -> str:
        """The key that signed a seal, by its SHA-256; empty where nobody signed."""
        stored = self._app.seals.signatures([link.sha256]).get(link.sha256)
        seal = self._app.seals.raw([link.key]).get(link.key) if stored is not None else None
        if stored is None or seal is None or sha256(seal).hexdigest() != link.sha256:
            return ""
        try:
            wrong = self._signatures.problem(seal, stored)
        except ConfigError:
            return ""  # the package that checks signatures is not installed
        if wrong:
            text = f"its signature does not hold: {wrong}"
            self.problems[link.key] = Problem(link.key, text)
            return ""
        return Signature.from_json(stored).keyid

    def _check_unsigned(self, link: Link, later: str) -> None:
        """Note a seal that nobody signed, although those that it was made after, or beside, are.

        Whoever can write into the bucket could add it, and an audit makes its own after it.
        """
        own, other = self._previous(link.key), self._previous(later) if later else ()
        beside = [each for each in other if each != link]
        if self._any_signed(own) or self._any_signed(beside):
            text = "it is not signed, and the seals before it or beside it are"
            self.problems[link.key] = Problem(link.key, text)

    def _previous(self, key: str) -> tuple[Link, ...]:
        return _named(self._app.seals.raw([key]).get(key, b""))

    def _any_signed(self, links: Iterable[Link]) -> bool:
        return bool(self._app.seals.signatures(link.sha256 for link in links))

    def _later(self, link: Link) -> str:
        """A seal that was written after another and names it as it is; empty where none does."""
        for key, content in self._app.seals.contents(self._next(link.key)):
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
