"""The seals that stand, as far as sealing goes on from them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from hashlib import sha256

from toolkit.app.app import App
from toolkit.core.errors import EvidenceError
from toolkit.core.proof.evidence import StoredObject
from toolkit.core.proof.seal import Link
from toolkit.core.proof.seal_chain import (
    DAY,
    ChainCheck,
    SealedDay,
    own_seal,
    without_facts,
    without_rows,
)
from toolkit.core.time_words import EPOCH
from toolkit.runtime.contract import parse_time
from toolkit.runtime.layout import sealed, seals_by_day


class KnownSeals:
    """The seals that stand, as far as sealing goes on from them: read one by one, none is kept."""

    def __init__(self, app: App, listed: Mapping[str, StoredObject]) -> None:
        self._app = app
        self._listed = listed
        self.keys = seals_by_day(listed)
        self.complete: set[date] = set(self.keys)
        self.heads: tuple[Link, ...] = ()

    def read(self, since: date) -> None:
        """Find the days that are whole, and the seals that no other seal names.

        A day is whole by its last seal: amendments follow the last of its parts only. The heads of
        the chain are among the seals of the day on which the newest was written.
        """
        times = {key: parse_time(stored.modified_at) for key, stored in self._listed.items()}
        newest = max(times.values(), default=EPOCH)
        late = {key for key, time in times.items() if newest - time < DAY}
        last = {max(keys, key=_number) for day, keys in self.keys.items() if day >= since}
        last |= {max(self.keys[day], key=_number) for day in seals_by_day(late)}
        named: set[str] = set()
        links = {}
        for key, content in self._contents(late | last):
            try:
                seal = own_seal(key, content, self._app.seals.bucket, without_rows)
            except EvidenceError:
                continue  # it is not written over: there is one object a key; `verify` names it
            named |= {link.key for link in seal.previous}
            if key in late:
                links[key] = Link(key, sha256(content).hexdigest())
            if key in last and not seal.complete:
                self.complete.discard(date.fromisoformat(seal.day))
        self.heads = tuple(link for key, link in sorted(links.items()) if key not in named)

    def day(self, day: date) -> SealedDay | None:
        """A day's seals without their facts; None where one of them is broken: `verify` names it.

        What stands in a seal that cannot be read is not known, so nothing is added to it.
        """
        check = ChainCheck(self._app.seals.bucket, without_facts)
        keys = self.keys.get(day, [])
        chain = check.add(self._contents(keys))
        return None if chain.problems else chain.days.get(day, SealedDay(()))

    def _contents(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return self._app.seals.contents(self._listed[key] for key in sorted(keys))


def _number(key: str) -> int:
    found = sealed(key)
    return found[1] if found else 0
