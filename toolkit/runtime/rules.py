"""What a workload's settings must fulfil together, declared as data beside the variables.

Two forms, each with a ``meaning`` that ends the message::

    { holds = "ORDERS >= 100 * DAYS", meaning = "…" }
    { when = { FEED = "binance" }, matches = { BASE_URL = "wss://…" }, meaning = "…" }

The second also has ``differs``, a pattern that must not match. ``when`` may list several values.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from toolkit.runtime.contract import ContractError

_NAME = "[A-Z][A-Z0-9_]*"
_COMPARISON = re.compile(rf"({_NAME}) (<|<=|>|>=) (?:(\d+(?:\.\d+)?) \* )?({_NAME})")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@frozen
class Rule:
    """One rule; exactly one of ``holds``, ``matches`` and ``differs`` is given."""

    meaning: str
    holds: str = ""
    when: Mapping[str, Any] = field(factory=dict)
    matches: Mapping[str, str] = field(factory=dict)
    differs: Mapping[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Raise ContractError for a rule that could never be judged."""
        if sum(map(bool, (self.holds, self.matches, self.differs))) != 1:
            raise ContractError(f"rule {self.meaning!r} needs one of holds, matches, differs")
        if self.holds and _COMPARISON.fullmatch(self.holds) is None:
            raise ContractError(f"rule {self.holds!r} is not like A < B or A >= 100 * B")
        for pattern in (*self.matches.values(), *self.differs.values()):
            re.compile(pattern)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that it speaks of, in its order."""
        compared = re.findall(_NAME, self.holds)
        return tuple(dict.fromkeys((*self.when, *compared, *self.matches, *self.differs)))

    def broken(self, values: Mapping[str, Any]) -> bool:
        """Whether typed values, by the variables' names, contradict the rule."""
        if not all(values[name] in _choices(wanted) for name, wanted in self.when.items()):
            return False
        return any(not fulfilled for fulfilled in self._judged(values))

    def _judged(self, values: Mapping[str, Any]) -> Iterator[bool]:
        comparison = _COMPARISON.fullmatch(self.holds)
        if comparison is not None:
            left, relation, factor, right = comparison.groups()
            yield _OPERATORS[relation](values[left], float(factor or 1) * values[right])
        for name, pattern in self.matches.items():
            yield re.fullmatch(pattern, str(values[name])) is not None
        for name, pattern in self.differs.items():
            yield re.fullmatch(pattern, str(values[name])) is None

    def contradiction(self, texts: Mapping[str, str]) -> str:
        """The contradiction in words; ``texts`` are the values as they may be shown."""
        named = ", ".join(f"{name}={texts[name]}" for name in self.names)
        rule = f"{self.holds}: " if self.holds else ""
        return f"{named} contradict each other: {rule}{self.meaning}"


def _choices(wanted: Any) -> tuple[Any, ...]:
    return tuple(wanted) if isinstance(wanted, list) else (wanted,)
