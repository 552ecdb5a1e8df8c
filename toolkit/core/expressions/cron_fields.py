"""The value fields of a cron expression: minutes, hours, month, year and plain day lists.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

import re
from collections.abc import Mapping

from attrs import field, frozen

from toolkit.core.expressions.error import FieldProblem

_NUMBER = re.compile(r"[0-9]{1,9}")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTH_NAMES = {name: number for number, name in enumerate(_MONTHS, 1)}
DAY_NAMES = {name: number for number, name in enumerate(_DAYS, 1)}


@frozen
class Field:
    """What one cron field may hold; ``low`` and ``high`` are inclusive.

    ``cycle`` is the time after which its values come again; without one, ranges cannot wrap.
    """

    name: str
    low: int
    high: int
    cycle: str | None
    names: Mapping[str, int] = field(factory=dict)
    steps: bool = True
    every: tuple[int, ...] = field(init=False, repr=False)

    @every.default
    def _every_value(self) -> tuple[int, ...]:
        return tuple(range(self.low, self.high + 1))

    @property
    def size(self) -> int:
        """How many values the field knows."""
        return self.high - self.low + 1

    @property
    def known(self) -> str:
        """What it takes, in words."""
        names = list(self.names)
        return f"{self.low}-{self.high}" + (f" or {names[0]}-{names[-1]}" if names else "")


MINUTES = Field("minutes", 0, 59, "hour")
HOURS = Field("hours", 0, 23, "day")
DAY_OF_MONTH = Field("day-of-month", 1, 31, "month")
MONTH = Field("month", 1, 12, "year", MONTH_NAMES)
DAY_OF_WEEK = Field("day-of-week", 1, 7, "week", DAY_NAMES, steps=False)
YEAR = Field("year", 1970, 2199, None)


def parse_values(spec: Field, text: str, warnings: list[str]) -> tuple[int, ...]:
    """The sorted values that a list of single values, ranges and steps selects.

    Raises FieldProblem; what is accepted but surprises is added to ``warnings``.
    """
    if text == "*":
        return spec.every
    values: set[int] = set()
    items = text.split(",")
    for item in items:
        values.update(_parse_item(spec, item, warnings))
    if "*" in items and len(items) > 1:
        warnings.append(f"{spec.name} {text!r}: '*' already includes the other values")
    return tuple(sorted(values))


def parse_value(spec: Field, text: str, warnings: list[str]) -> int:
    """One number or name of the field; raises FieldProblem."""
    name = text.upper()
    if name in spec.names:
        if text != name:
            warnings.append(f"{spec.name} {text!r}: AWS documents capitals only; write {name}")
        return spec.names[name]
    if _NUMBER.fullmatch(text) is None:
        raise _not_a_value(spec, text)
    value = int(text)
    if spec.low <= value <= spec.high:
        return value
    raise _out_of_range(spec, text, value)


def _parse_item(spec: Field, item: str, warnings: list[str]) -> set[int]:
    base, slash, step = item.partition("/")
    if slash:
        return _parse_steps(spec, item, base, step, warnings)
    if base == "*":
        return set(spec.every)
    if "-" in base:
        return _every(spec, *_parse_range(spec, base, warnings))
    return {parse_value(spec, base, warnings)}


def _parse_steps(spec: Field, item: str, base: str, text: str, warnings: list[str]) -> set[int]:
    if not spec.steps:
        raise FieldProblem(item, f"{spec.name} does not take '/' steps")
    if _NUMBER.fullmatch(text) is None:
        raise FieldProblem(item, "a step is a whole number from 1")
    step = int(text)
    if step == 0:
        raise FieldProblem(item, "a step of 0 never moves on")
    first, last = _parse_start(spec, base, warnings)
    values = _every(spec, first, last, step)
    warnings.extend(_step_warnings(spec, item, step, values))
    return values


def _parse_start(spec: Field, base: str, warnings: list[str]) -> tuple[int, int]:
    if base in ("*", ""):
        return spec.low, spec.high
    if "-" in base:
        return _parse_range(spec, base, warnings)
    return parse_value(spec, base, warnings), spec.high


def _parse_range(spec: Field, base: str, warnings: list[str]) -> tuple[int, int]:
    start, _, end = base.partition("-")
    first = parse_value(spec, start, warnings)
    last = parse_value(spec, end, warnings)
    if start.isdigit() != end.isdigit():
        raise FieldProblem(base, "a range takes two numbers or two names")
    if last < first and spec.cycle is None:
        raise FieldProblem(base, "the range ends before it begins")
    return first, last


def _every(spec: Field, first: int, last: int, step: int = 1) -> set[int]:
    """The values of a range; one that ends before it begins goes on at the field's low end."""
    last += spec.size if last < first else 0
    return {(value - spec.low) % spec.size + spec.low for value in range(first, last + 1, step)}


def _step_warnings(spec: Field, item: str, step: int, values: set[int]) -> list[str]:
    base = item.partition("/")[0]
    warnings = []
    if base == "":
        warnings.append(f"a step without a start is not documented by AWS; write {spec.low}{item}")
    if any(name in base.upper() for name in spec.names):
        warnings.append("a step after a name is not documented by AWS, and Quartz ignores it")
    if step >= spec.size:
        warnings.append(f"the step passes the end of the field ({spec.high}): only its start fires")
    # A range says itself where the count ends, and a single value leaves no gap to be uneven.
    elif spec.cycle and "-" not in base and len(values) > 1:
        gap = min(values) + spec.size - max(values)
        if gap != step:
            again = f"the count starts again every {spec.cycle}"
            warnings.append(f"{again}: from {max(values)} to {min(values)} is {gap}, not {step}")
    return [f"{spec.name} {item!r}: {warning}" for warning in warnings]


def _not_a_value(spec: Field, text: str) -> FieldProblem:
    if text == "":
        reason = f"a value is missing; {spec.name} takes {spec.known}"
    elif text == "?":
        reason = "only a day field may be '?', and then nothing else stands in it"
    else:
        reason = f"not a value of {spec.name}, which takes {spec.known}"
    return FieldProblem(text, reason)


def _out_of_range(spec: Field, text: str, value: int) -> FieldProblem:
    reason = f"outside {spec.low}-{spec.high}"
    if spec is DAY_OF_WEEK:
        return FieldProblem(text, f"{reason}; AWS counts from 1 = SUN to 7 = SAT")
    if spec is HOURS and value == spec.size:
        return FieldProblem(text, f"{reason}; midnight is hour 0")
    return FieldProblem(text, reason)
