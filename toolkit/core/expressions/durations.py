"""A length of time as people write it: ``5 mins``, ``1h30m``, ``PT1H``, ``every other day``."""

import difflib
import re
from fractions import Fraction

_MINUTE, _HOUR, _DAY, _WEEK = 1, 60, 24 * 60, 7 * 24 * 60
_UNITS: dict[str, Fraction] = {
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), Fraction(1, 60_000)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), Fraction(1, 60)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), Fraction(_MINUTE)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), Fraction(_HOUR)),
    **dict.fromkeys(("d", "day", "days"), Fraction(_DAY)),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), Fraction(_WEEK)),
    **dict.fromkeys(("fortnight", "fortnights"), Fraction(2 * _WEEK)),
}
_SPELT = [unit for unit in _UNITS if len(unit) > len("mins")]
_NO_LENGTH = {"month", "months", "year", "years", "yr", "yrs", "y", "quarter"}
_NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
NUMBER_WORDS = {
    **{word: value for value, word in enumerate(_NUMBERS)},
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "forty-five": 45,
    "sixty": 60,
    "ninety": 90,
}
_ADVERBS = {"minutely": "minute", "hourly": "hour", "daily": "day", "weekly": "week"}
_EVERY = r"^(?:repeats?\s|runs?\s)?(?:once\s)?(?:every|each|per|an?(?=\s(?!half|quarter)))\b"
_ISO = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)


class DurationProblem(Exception):  # noqa: N818 - a reason for the reader of a hint
    """Why a length of time is no rate."""


def rate_of(text: str) -> str | None:
    """The rate() of a length of time; None for a text that is none.

    Raises:
        DurationProblem: it is a length of time that no rate can have.

    >>> rate_of("every 2 weeks"), rate_of("1h30m"), rate_of("1.5 hours"), rate_of("every day")
    ('rate(14 days)', 'rate(90 minutes)', 'rate(90 minutes)', 'rate(1 day)')
    """
    parts = _iso(text) or _parts(text)
    if parts is None:
        return None
    minutes = sum((amount * _UNITS[unit] for amount, unit in parts), Fraction())
    if minutes <= 0 or minutes.denominator != 1:
        raise DurationProblem("a rate is a whole number of minutes, hours or days from 1")
    units = {"minute": _MINUTE, "hour": _HOUR, "day": _DAY}
    kept = units
    if len(parts) == 1 and parts[0][0].denominator == 1:  # rate(90 mins) stays in minutes
        kept = {name: size for name, size in units.items() if size == _UNITS[parts[0][1]]} or units
    name, size = next((name, size) for name, size in reversed(kept.items()) if minutes % size == 0)
    count = int(minutes) // size
    return f"rate({count} {name}{'' if count == 1 else 's'})"


def _iso(text: str) -> list[tuple[Fraction, str]] | None:
    match = _ISO.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    pairs = zip(match.groups(), "wdhms", strict=True)
    return [(Fraction(number), unit) for number, unit in pairs if number]


def _parts(text: str) -> list[tuple[Fraction, str]] | None:
    if re.search(r"[0-9]\s*M\b", text):
        return None  # a capital M is minutes to some and months to others
    adverb = _ADVERBS.get(text.strip().lower())
    plain = f"every {adverb}" if adverb else text.lower()
    plain = re.sub(r"(?<=[0-9]),(?=[0-9]{3}\b)", "", plain)
    plain, every = re.subn(_EVERY, "", plain.strip())
    plain = re.sub(r"[,+&]|\band\b(?!\s+a\s+half)", " ", plain).strip()
    found: list[tuple[Fraction, str]] = []
    while plain:
        one = _one_part(plain)
        if one is None:
            return None
        amount, unit, plain = one
        if amount is None:  # "every hour", and not "hours"
            amount = Fraction(1) if every and not found else None
        if amount is None:
            return None
        found.append((amount, unit))
    return found or None


def _one_part(text: str) -> tuple[Fraction | None, str, str] | None:
    """The first amount with its unit, and what is left."""
    match = re.match(
        r"(?P<amount>[0-9]+/[0-9]+|[0-9]*\.?[0-9]+|half|quarter|other|single|an?|"
        r"(?:second|third)(?=\s+(?:minute|hour|day|week)\b)|"
        rf"{'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))})?"
        r"(?:\s+of)?(?:\s+an?(?=\s))?[\s-]*(?P<unit>[a-z]+)\s*",
        text,
    )
    if match is None:
        return None
    unit = _unit(match["unit"])
    if unit is None:
        return None
    return _amount(match["amount"] or ""), unit, text[match.end() :]


def _amount(text: str) -> Fraction | None:
    words = {"a": 1, "an": 1, "single": 1, "other": 2, "second": 2, "third": 3}
    words |= NUMBER_WORDS
    if text in words:
        return Fraction(words[text])
    if text in ("half", "quarter"):
        return Fraction(1, 2 if text == "half" else 4)
    try:
        return Fraction(text) if text else None
    except ZeroDivisionError:
        return None


def _unit(text: str) -> str | None:
    if text in _UNITS:
        return text
    if text in _NO_LENGTH:
        raise DurationProblem("a rate counts minutes, hours or days; months and years differ")
    near = difflib.get_close_matches(text, _SPELT, n=1, cutoff=0.8)
    return near[0] if near else None
