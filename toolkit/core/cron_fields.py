"""The value fields of a cron expression: minutes, hours, month, year and plain day lists.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

import re
from collections.abc import Mapping

from attrs import field, frozen

from toolkit.core.expression_error import FieldProblem

_NUMBER = re.compile(r"[0-9]{1,9}")


@frozen
class Field:
    """What one cron field may hold: inclusive bounds, names, and whether ``/`` and wraps work."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(factory=dict)
    steps: bool = True
    wraps: bool = True

    @property
    def size(self) -> int:
        """How many values the field knows."""
        return self.high - self.low + 1


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTH_NAMES = {name: number for number, name in enumerate(_MONTHS, 1)}
DAY_NAMES = {name: number for number, name in enumerate(_DAYS, 1)}

MINUTES = Field("minutes", 0, 59)
HOURS = Field("hours", 0, 23)
DAY_OF_MONTH = Field("day-of-month", 1, 31)
MONTH = Field("month", 1, 12, MONTH_NAMES)
DAY_OF_WEEK = Field("day-of-week", 1, 7, DAY_NAMES, steps=False)
YEAR = Field("year", 1970, 2199, wraps=False)


def parse_values(spec: Field, text: str, warnings: list[str]) -> tuple[int, ...]:
    """The sorted values that a list of single values, ranges and steps selects.

    Raises FieldProblem; what AWS does not document but Quartz reads is added to ``warnings``.
    """
    values: set[int] = set()
    items = text.split(",")
    for place, item in enumerate(items):
        try:
            values.update(_parse_item(spec, item, warnings))
        except FieldProblem as problem:
            instead = ",".join([*items[:place], problem.instead, *items[place + 1 :]])
            raise FieldProblem(problem.value, problem.reason, instead) from None
    if "*" in items and len(items) > 1:
        warnings.append(f"{spec.name} {text!r}: '*' already includes the other values")
    return tuple(sorted(values))


def parse_value(spec: Field, text: str, warnings: list[str]) -> int:
    """One number or name of the field; raises FieldProblem."""
    if text.upper() in spec.names:
        if text != text.upper():
            warnings.append(
                f"{spec.name} {text!r}: AWS documents names in capitals only; write {text.upper()}"
            )
        return spec.names[text.upper()]
    if _NUMBER.fullmatch(text) is None:
        raise _not_a_value(spec, text)
    value = int(text)
    if spec.low <= value <= spec.high:
        return value
    raise _out_of_range(spec, text, value)


def _parse_item(spec: Field, item: str, warnings: list[str]) -> set[int]:
    base, slash, step_text = item.partition("/")
    if slash and not spec.steps:
        raise FieldProblem(item, f"{spec.name} knows no '/' steps", _instead(base))
    step = _parse_step(spec, item, step_text, warnings) if slash else 1
    first, last = _parse_range(spec, item, base, warnings, stepped=bool(slash))
    if last < first:
        if not spec.wraps:
            raise FieldProblem(item, "the range ends before it begins", f"{last}-{first}")
        last += spec.size
    return {(value - spec.low) % spec.size + spec.low for value in range(first, last + 1, step)}


def _parse_range(
    spec: Field, item: str, base: str, warnings: list[str], *, stepped: bool
) -> tuple[int, int]:
    if base == "*":
        return spec.low, spec.high
    if base == "" and stepped:
        warnings.append(
            f"{spec.name} {item!r}: AWS does not document a step without a start; "
            f"write {spec.low}{item}"
        )
        return spec.low, spec.high
    start, dash, end = base.partition("-")
    if not dash:
        value = parse_value(spec, start, warnings)
        return value, spec.high if stepped else value
    try:
        return parse_value(spec, start, warnings), parse_value(spec, end, warnings)
    except FieldProblem as problem:
        # Correct the one wrong end; a range with two wrong ends is corrected in two rounds.
        instead = (
            f"{problem.instead}-{end}" if problem.value == start else f"{start}-{problem.instead}"
        )
        suffix = item[len(base) :]
        raise FieldProblem(problem.value, problem.reason, _instead(instead) + suffix) from None


def _parse_step(spec: Field, item: str, text: str, warnings: list[str]) -> int:
    base = item.partition("/")[0]
    if _NUMBER.fullmatch(text) is None:
        raise FieldProblem(item, "a step is a whole number from 1", f"{base or '*'}/1")
    step = int(text)
    if step == 0:
        raise FieldProblem(item, "a step of 0 never moves on", f"{base or '*'}/1")
    if step >= spec.size:
        warnings.append(
            f"{spec.name} {item!r}: the step is longer than the field, so only its first value "
            "fires; AWS does not document this"
        )
    return step


def _not_a_value(spec: Field, text: str) -> FieldProblem:
    near = [name for name in spec.names if len(text) > 1 and text.upper().startswith(name)]
    known = f"{spec.low}-{spec.high}"
    if spec.names:
        names = list(spec.names)
        known += f" or {names[0]}-{names[-1]}"
    if text in ("", "-"):
        reason = f"a value is missing; {spec.name} takes {known}"
    elif text == "?":
        reason = "only a day field may be '?', and then nothing else stands in it"
    else:
        reason = f"not a value of {spec.name}, which takes {known}"
    return FieldProblem(text, reason, near[0] if near else _default(spec))


def _out_of_range(spec: Field, text: str, value: int) -> FieldProblem:
    reason = f"outside {spec.low}-{spec.high}"
    if spec is DAY_OF_WEEK:
        return FieldProblem(text, f"{reason}; AWS counts from 1 = SUN to 7 = SAT", "SUN")
    if spec is HOURS and value == spec.size:
        return FieldProblem(text, f"{reason}; midnight is hour 0", "0")
    return FieldProblem(text, reason, str(min(max(value, spec.low), spec.high)))


def _default(spec: Field) -> str:
    return next(iter(spec.names), str(spec.low))


def _instead(text: str) -> str:
    return text or "*"
