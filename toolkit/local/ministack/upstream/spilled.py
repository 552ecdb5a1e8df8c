"""A dict whose values are in a temporary file, but for those in use: memory stays what it is.

It goes with the process, so it is for what can be read again from elsewhere. Values are of Python's
own types. One that was asked for may be changed in place, until a few hundred others were.
"""

import json
import marshal
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

_AT_HAND = 256


class SpilledDict(MutableMapping[Any, Any]):
    """Keys are text, or tuples of it, in no order.

    Args:
        rows: to begin with.
        notable: which values can be asked for (`notable`) without a look at all others.
    """

    def __init__(
        self,
        rows: Iterable[tuple[Any, Any]] = (),
        notable: Callable[[Any], bool] = lambda _value: False,
    ) -> None:
        self._is_notable = notable
        self._notable: set[str] = set()  # of the names that are filed
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "cache_size = -512"):
            self._file.execute(f"PRAGMA {setting}")
        self._file.execute("CREATE TABLE rows (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")
        self._at_hand: OrderedDict[str, tuple[Any, bytes]] = OrderedDict()
        self._lock = threading.RLock()
        for key, value in rows:
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        name = json.dumps(key)
        with self._lock:
            if name not in self._at_hand:
                rows = self._file.execute("SELECT value FROM rows WHERE key = ?", (name,))
                if (found := rows.fetchone()) is None:
                    raise KeyError(key)
                self._keep(name, marshal.loads(found[0]), found[0])  # noqa: S302 - written below
            self._at_hand.move_to_end(name)
            return self._at_hand[name][0]

    def __setitem__(self, key: Any, value: Any) -> None:
        with self._lock:
            self._keep(json.dumps(key), value, b"")

    def __delitem__(self, key: Any) -> None:
        with self._lock:
            if key not in self:
                raise KeyError(key)
            self._notable.discard(json.dumps(key))
            del self._at_hand[json.dumps(key)]  # where the question has brought it
            self._file.execute("DELETE FROM rows WHERE key = ?", (json.dumps(key),))

    def __iter__(self) -> Iterator[Any]:
        with self._lock:
            filed = {name for (name,) in self._file.execute("SELECT key FROM rows")}
            names = filed | self._at_hand.keys()
        return (_key(json.loads(name)) for name in names)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def notable(self) -> list[Any]:
        """The keys of the notable values."""
        with self._lock:
            names = self._notable - self._at_hand.keys()
            names |= {name for name, row in self._at_hand.items() if self._is_notable(row[0])}
        return [_key(json.loads(name)) for name in names]

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._notable.clear()
            self._at_hand.clear()
            self._file.execute("DELETE FROM rows")

    def _keep(self, name: str, value: Any, as_filed: bytes) -> None:
        """Have a value at hand, and file the one that was asked for longest ago."""
        self._at_hand[name] = value, as_filed
        self._at_hand.move_to_end(name)
        if len(self._at_hand) > _AT_HAND:
            oldest, (changed, before) = next(iter(self._at_hand.items()))
            content = marshal.dumps(changed)
            (self._notable.add if self._is_notable(changed) else self._notable.discard)(oldest)
            if content != before:
                self._file.execute("REPLACE INTO rows VALUES (?, ?)", (oldest, content))
            del self._at_hand[oldest]


def _key(found: Any) -> Any:
    return tuple(map(_key, found)) if isinstance(found, list) else found
