"""A dict of ours in the place of one of ministack's: values are converted as they come in."""

from collections.abc import Callable, Mapping
from typing import Any


class Converted(dict[Any, Any]):
    """Whatever is put in goes through a function of its key and itself."""

    def __init__(self, convert: Callable[[Any, Any], Any], rows: Mapping[Any, Any]) -> None:
        super().__init__()
        self._convert = convert
        self.update(rows)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self._convert(key, value))

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value of a key, which is added where it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, rows: Mapping[Any, Any]) -> None:  # type: ignore[override]
        """Add all of them."""
        for key, value in rows.items():
            self[key] = value
