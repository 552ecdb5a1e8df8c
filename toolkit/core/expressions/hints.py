"""What to write instead of a refused expression: something with the same meaning, or nothing.

A hint is only given if it parses, warns of nothing, and stands for what the text says in the
dialect that it is written in. Where a text has several readings, the hint names each with its
condition; where AWS cannot say what the text means, the reason says why.
"""

import re
from collections.abc import Iterable

from attrs import frozen

from toolkit.core.expressions.dialects import CronReading, cron_readings
from toolkit.core.expressions.durations import DurationProblem, rate_of
from toolkit.core.expressions.error import ExpressionError, FieldProblem
from toolkit.core.expressions.moments import moment_of
from toolkit.core.expressions.pasted import Pasted, unwrap
from toolkit.core.expressions.phrases import PhraseProblem, cron_of
from toolkit.core.expressions.reading import read
from toolkit.core.expressions.zone_hints import zone_hint
from toolkit.core.expressions.zone_names import zone_names

_LONGEST = 1_000  # characters that are looked at
_MOST = 3  # readings that a hint may offer
_LEAST_FIELDS, _MOST_FIELDS = 5, 7
_NICKNAMES = {
    "yearly": "0 0 1 1 ? *",
    "annually": "0 0 1 1 ? *",
    "monthly": "0 0 1 * ? *",
    "weekly": "0 0 ? * SUN *",
    "daily": "0 0 * * ? *",
    "midnight": "0 0 * * ? *",
    "hourly": "0 * * * ? *",
    "every_minute": "* * * * ? *",
    "minutely": "* * * * ? *",
    "quarterly": "0 0 1 1,4,7,10 ? *",
}


@frozen
class Advice:
    """What is told beside a refusal.

    Attributes:
        expressions: right ones, the likeliest first.
        hint: a sentence that names them; None where there is none.
        reason: why the text is refused, where the reader of its dialect knows better than AWS's.
    """

    expressions: tuple[str, ...] = ()
    hint: str | None = None
    reason: str | None = None


@frozen
class _Meaning:
    """An expression with the condition under which it is meant."""

    expression: str
    condition: str = ""
    timezone: str | None = None


def advise(text: str) -> Advice:
    """The advice on a refused text.

    >>> advise("0 9 * * 1-5").hint, advise("every 90 seconds").hint
    ('write cron(0 9 ? * MON-FRI *)', None)
    """
    pasted = unwrap(text[:_LONGEST]) if text.strip() else None
    if pasted is None:
        return Advice()
    try:
        found = _meanings(pasted)
    except (DurationProblem, PhraseProblem, FieldProblem, _Inexpressible) as problem:
        # What stands in AWS's own frame is explained by AWS's own rules, field by field.
        explained = isinstance(problem, FieldProblem) and pasted.kind is not None
        return Advice(reason=None if explained else str(problem) or None)
    doubts = [_doubt(meaning.expression) for meaning in found]
    meanings = [meaning for meaning, doubt in zip(found, doubts, strict=True) if doubt is None]
    if not meanings or len(meanings) > _MOST:
        return Advice(reason=None if pasted.kind or not doubts else doubts[0])
    expressions = tuple(meaning.expression for meaning in meanings)
    zone = pasted.timezone or meanings[0].timezone
    return Advice(expressions, f"write {_or(meanings)}{_with_zone(zone)}")


class _Inexpressible(Exception):  # noqa: N818 - a reason for the reader of a hint
    """AWS cannot say what the text means."""


def _doubt(expression: str) -> str | None:
    """Why an expression is no good advice: it is refused, or warned of."""
    try:
        return next(iter(read(expression).warnings), None)
    except ExpressionError as error:
        return error.reason


def _or(meanings: Iterable[_Meaning]) -> str:
    return ", or ".join(
        f"{meaning.expression} if {meaning.condition}" if meaning.condition else meaning.expression
        for meaning in meanings
    )


def _with_zone(name: str | None) -> str:
    if name is None:
        return ""
    if name in zone_names():
        return f" and set the time zone {name}"
    hint, zones = zone_hint(name)
    if len(zones) == 1:
        return f" and set the time zone {zones[0]}"
    return f" and set its time zone; {hint}" if hint else " and set its time zone"


# --- the forms -----------------------------------------------------------------------------------


def _meanings(pasted: Pasted) -> list[_Meaning]:
    body = pasted.body
    if body.startswith("@"):
        return _nickname(body)
    if pasted.kind == "rate":
        rate = rate_of(body)
        return [_Meaning(rate)] if rate else []
    if pasted.kind == "at":
        return _moments(body)
    return _named_fields(body) or (_spoken(body) if pasted.kind is None else _framed(body))


def _framed(body: str) -> list[_Meaning]:
    """What stands in cron(...): fields, or even words."""
    phrase = cron_of(body)
    return [_Meaning(phrase)] if phrase else _cron(_fields(body), framed=True)


def _spoken(body: str) -> list[_Meaning]:
    """A text without a frame: a moment, a length of time, a phrase, or fields."""
    if moments := _moments(body):
        return moments
    if re.fullmatch("[0-9]{1,2}h", body):
        return []  # a length of time to some, and a time of day to others
    length, problem = _length(body)
    if expression := length or cron_of(body):
        return [_Meaning(expression)]
    if problem is not None:
        raise problem
    if re.match(r"[A-Za-z]{2}", body):
        return []  # words that nobody understood
    return _cron(_fields(body), framed=False)


def _fields(body: str) -> list[str]:
    """The words of the body, which commas may separate."""
    words = body.split()
    if len(words) == 1 and body.count(",") in range(_LEAST_FIELDS - 1, _MOST_FIELDS):
        return body.split(",")
    if all(word.endswith(",") for word in words[:-1]):
        return [word.rstrip(",") for word in words]
    return words


def _length(body: str) -> tuple[str | None, DurationProblem | None]:
    try:
        return rate_of(body), None
    except DurationProblem as problem:
        return None, problem


def _named_fields(body: str) -> list[_Meaning]:
    """Fields by name, as the AWS CDK has them: ``{ minute: "0", hour: "6" }``.

    Other libraries have other values for what is left out, and count days otherwise: so minute and
    hour are needed, and the days of the week by name.
    """
    pairs = re.findall(r"\b([a-z]+(?:_day|Day)?)[\"']?\s*[:=]\s*[\"']?([^\"',}\s]+)", body)
    given = {name.replace("_", "").lower(): value for name, value in pairs}
    known = {"minute", "hour", "day", "month", "weekday", "year"}
    weekday = given.get("weekday", "?")
    if not {"minute", "hour"} <= given.keys() <= known or re.search("[0-9]", weekday):
        return []
    day = given.get("day", "*" if weekday == "?" else "?")
    words = [given["minute"], given["hour"], day, given.get("month", "*"), weekday]
    return _cron([*words, given.get("year", "*")], framed=True)


def _moments(body: str) -> list[_Meaning]:
    moment = moment_of(body)
    return [_Meaning(moment.expression, timezone=moment.timezone)] if moment else []


def _nickname(body: str) -> list[_Meaning]:
    name, _, rest = body[1:].partition(" ")
    if name.lower() == "every":
        rate = rate_of(rest)
        return [_Meaning(rate)] if rate else []
    fields = _NICKNAMES.get(name.lower())
    return [_Meaning(f"cron({fields})")] if fields else []


def _cron(words: list[str], *, framed: bool) -> list[_Meaning]:
    readings: tuple[CronReading, ...] = ()
    problem: FieldProblem | None = None
    for count in (len(words), 7, 6, 5):
        if _LEAST_FIELDS <= count <= min(len(words), _MOST_FIELDS):
            left = words[count:]
            try:
                readings = cron_readings(words[:count], framed=framed)
            except FieldProblem as error:
                problem = problem or error
                continue
            if left and not _is_command(left[0]):
                return []
            break
    if not readings:
        if problem:
            raise problem
        return []
    if not any(reading.fields for reading in readings):
        raise _Inexpressible(readings[0].note)
    return [
        _Meaning(f"cron({' '.join(reading.fields)})", reading.condition)
        for reading in readings
        if reading.fields
    ]


def _is_command(word: str) -> bool:
    """Whether a word after the fields begins a crontab's user or command."""
    return word[0].isalpha() or word[0] in "/.~$[({\"'"
