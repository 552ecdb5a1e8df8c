"""Plain words such as ``every weekday at 9am``, as a cron expression.

A phrase is read from left to right, each piece by one of the patterns below. Words that no pattern
takes end the search: a phrase half understood is not understood.
"""

import re
from collections.abc import Callable, Iterator

from attrs import define, field

from toolkit.core.expressions.dialect_fields import DAY_GROUPS, DAY_WORDS, MONTH_WORDS
from toolkit.core.expressions.durations import NUMBER_WORDS

_HOUR_WORDS = [word for word, value in NUMBER_WORDS.items() if 1 <= value <= 12]
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
}
_LAST = "last"
_NOON, _MINUTES, _HOURS = 12, 60, 24
_PARTS = {  # of the day, with the hours that a bare number of a 12-hour clock means in it
    "morning": dict(zip(range(1, 12), range(1, 12), strict=True)),
    "afternoon": {12: 12, **{hour: hour + 12 for hour in range(1, 7)}},
    "evening": {hour: hour + 12 for hour in range(4, 12)},
    "night": {9: 21, 10: 22, 11: 23, 12: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5},
}


class PhraseProblem(Exception):  # noqa: N818 - a reason for the reader of a hint
    """Why words that were understood are no expression."""


@define
class _Phrase:
    """What has been understood so far."""

    times: list[tuple[int, int, bool]] = field(factory=list)  # hour, minute, is it a bare number
    part: str | None = None
    day: str = ""
    month: str = ""
    weekday: str = ""
    daily: bool = False
    weekly: bool = False
    yearly: bool = False
    step: tuple[int, str] | None = None
    minute: int | None = None
    window: tuple[int, int] | None = None


def cron_of(text: str) -> str | None:
    """The cron() of a phrase; None for a text that is none.

    Raises:
        PhraseProblem: it is one, but says too little, or more than one expression can.

    >>> cron_of("every weekday at 9am"), cron_of("Mondays and Fridays at 18:30")
    ('cron(0 9 ? * MON-FRI *)', 'cron(30 18 ? * MON,FRI *)')
    """
    rest = _plain(text)
    phrase = _Phrase()
    while rest:
        for pattern, take in _PATTERNS:
            match = pattern.match(rest)
            if match and take(phrase, match) and match.end():
                rest = rest[match.end() :].lstrip(" ,")
                break
        else:
            return None
    return _expression(phrase)


def _plain(text: str) -> str:
    text = text.lower().replace("a.m.", "am").replace("p.m.", "pm").replace("&", " and ")
    text = re.sub(r"\b(\d{1,2}|[a-z]+) o'?clock\b", r"at \1", text).replace("at at ", "at ")
    text = re.sub(r"\*-\*-\*|[.!;]+$", "", text)  # systemd's every date
    text = re.sub(r"\b(through|thru|until|till)\b|\.\.+", " to ", text)
    return re.sub(r"\s+", " ", text).strip(" ,")


# --- patterns ------------------------------------------------------------------------------------

_DAY = rf"(?:{'|'.join(sorted(map(str.lower, DAY_WORDS), key=len, reverse=True))})\b"
_GROUP = r"(?:business|working|week|work)[ -]?days?\b|week[ -]?ends?\b"
_SPAN = rf"(?:{_GROUP}|{_DAY}(?:\s?(?:-|to)\s?{_DAY})?)"
_SPANS = rf"{_SPAN}(?:(?:\s?,\s?|\s)(?:and )?(?:on )?(?:every )?{_SPAN})*"
_MONTH = rf"(?:{'|'.join(sorted(map(str.lower, MONTH_WORDS), key=len, reverse=True))})\b"
_CLOCK = (
    r"(?:noon|midday|midnight|(?:half past|quarter past|quarter to) (?:\d{1,2}|"
    rf"{'|'.join(_HOUR_WORDS)})\b(?:\s?[ap]m\b)?|\d{{1,2}}[:.h]\d{{2}}(?::00)?(?:\s?[ap]m)?\b"
    rf"|(?:\d{{1,2}}|{'|'.join(_HOUR_WORDS)})(?:\s?[ap]m)?\b)"
)
_CLOCKS = rf"{_CLOCK}(?:\s?(?:,|and)+\s?(?:at )?{_CLOCK})*"
_OF_MONTH = r"(?: (?:of|in) (?:the |each |every |a )?month)"
_NTH = r"\d{1,2}(?:st|nd|rd|th)?"


def _take_nth_weekday(phrase: _Phrase, match: re.Match[str]) -> bool:
    day = DAY_WORDS[match["day"].upper()]
    if phrase.weekday or phrase.day:
        return False
    nth = match["nth"]
    number = list(dict.fromkeys(DAY_WORDS.values())).index(day) % 7 + 1
    phrase.weekday = f"{number}L" if nth == _LAST else f"{day}#{_ORDINALS[nth]}"
    return True


def _take_day_of_month(phrase: _Phrase, match: re.Match[str]) -> bool:
    if phrase.weekday or phrase.day:
        return False
    numbers = [str(_ORDINALS.get(word, word)) for word in _ordinals(match["days"])]
    phrase.day = "L" if match["days"].startswith(_LAST) else ",".join(numbers)
    return True


def _ordinals(text: str) -> Iterator[str]:
    yield from re.findall(r"\d+|first|second|third|fourth", text)


def _take_date(phrase: _Phrase, match: re.Match[str]) -> bool:
    if phrase.weekday or phrase.day:
        return False
    phrase.day = re.sub("[a-z]", "", match["date"])
    phrase.month = MONTH_WORDS[match["month"].upper()]
    phrase.yearly = phrase.yearly or bool(match["every"])
    return True


def _take_days(phrase: _Phrase, match: re.Match[str]) -> bool:
    if phrase.weekday or phrase.day:
        return False
    spans = re.findall(_SPAN, match["days"])
    phrase.weekday = ",".join(dict.fromkeys(_span(span) for span in spans))
    if match["except"]:
        if len(spans) != 1 or "-" in phrase.weekday or "," in phrase.weekday:
            return False
        week = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
        place = week.index(phrase.weekday)
        phrase.weekday = f"{week[(place + 1) % 7]}-{week[place - 1]}"
    return True


def _span(text: str) -> str:
    if re.fullmatch(_GROUP, text):
        return DAY_GROUPS["WEEKEND" if "end" in text else "WEEKDAY"]
    return "-".join(DAY_WORDS[day.upper()] for day in re.findall(_DAY, text))


def _take_daily(phrase: _Phrase, match: re.Match[str]) -> bool:
    phrase.daily = True
    phrase.part = match["part"] or ("night" if match[0].startswith("nightly") else None)
    return True


def _take_daily_part(phrase: _Phrase, match: re.Match[str]) -> bool:
    phrase.part = phrase.part or match["part"]
    return phrase.part == match["part"]


def _take_weekly(phrase: _Phrase, _: re.Match[str]) -> bool:
    phrase.weekly = True
    return True


def _take_yearly(phrase: _Phrase, _: re.Match[str]) -> bool:
    phrase.yearly = True
    return True


def _take_step(phrase: _Phrase, match: re.Match[str]) -> bool:
    if phrase.step:
        return False
    number = match["number"] or "1"
    phrase.step = (NUMBER_WORDS.get(number) or int(number), match["unit"] or "hour")
    return True


def _take_minute(phrase: _Phrase, match: re.Match[str]) -> bool:
    phrase.minute = int(match["minute"] or match["past"] or 0)
    return phrase.minute < _MINUTES


def _take_window(phrase: _Phrase, match: re.Match[str]) -> bool:
    ends = [_clock(match["first"]), _clock(match["last"])]
    if phrase.window or not phrase.step or any(end is None or end[1] for end in ends):
        return False
    first, last = (end[0] for end in ends if end)
    phrase.window = (first, last)
    return first < last


def _take_times(phrase: _Phrase, match: re.Match[str]) -> bool:
    clocks = re.findall(_CLOCK, match["times"])
    times = [_clock(clock) for clock in clocks]
    bare = [clock for clock in clocks if clock.isdigit() or clock in _HOUR_WORDS]
    half_said = any(clock.endswith("m") for clock in clocks) and bare  # at 6 and 9 pm
    if phrase.times or half_said or (bare and not match["at"]):
        return False
    phrase.times = [
        (*time, clock in bare) for time, clock in zip(times, clocks, strict=True) if time
    ]
    return len(phrase.times) == len(clocks)


def _clock(text: str) -> tuple[int, int] | None:
    """The hour and minute of a time of day; None where no clock shows it."""
    if text in ("noon", "midday", "midnight"):
        return (0 if text == "midnight" else _NOON), 0
    half = re.search("[ap]m", text)
    spelt = re.sub(r"\s?[ap]m", "", text)
    turn = re.match("(half past|quarter past|quarter to) ", spelt)
    shift = {"half past": 30, "quarter past": 15, "quarter to": -15}[turn[1]] if turn else 0
    hour_text, *minute_text = re.split("[:.h]", spelt[turn.end() :] if turn else spelt)
    hour = NUMBER_WORDS.get(hour_text) or int(hour_text)
    minute = int(minute_text[0]) if minute_text else 0
    if half:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if half[0] == "pm" else 0)
    total = hour * _MINUTES + minute + shift
    fits = hour < _HOURS and minute < _MINUTES and total >= 0
    return divmod(total, _MINUTES) if fits else None


_Take = Callable[[_Phrase, re.Match[str]], bool]
_EVERY = r"(?:every|each|on|all)?\s?(?:the )?"
_SOURCES: list[tuple[str, _Take]] = [
    (
        rf"{_EVERY}(?P<nth>{'|'.join(_ORDINALS)}|last) (?P<day>{_DAY})(?:{_OF_MONTH}| monthly)",
        _take_nth_weekday,
    ),
    (rf"{_EVERY}(?P<days>last day){_OF_MONTH}", _take_day_of_month),
    (
        (
            rf"{_EVERY}(?:day )?(?P<days>(?:{_NTH}|first|second|third|fourth)(?: day)?"
            rf"(?:(?:\s?,\s?|\s)(?:and )?(?:the )?{_NTH})*){_OF_MONTH}"
        ),
        _take_day_of_month,
    ),
    (
        (
            rf"(?:monthly|(?:every|each) month) on (?:the )?(?:day )?"
            rf"(?P<days>last day|{_NTH}|first)(?: day)?"
        ),
        _take_day_of_month,
    ),
    (
        rf"(?P<every>every |each )?(?:on )?(?:the )?(?P<date>{_NTH})(?: of)? (?P<month>{_MONTH})",
        _take_date,
    ),
    (
        rf"(?P<every>every |each )?(?:on )?(?P<month>{_MONTH}) (?:the )?(?P<date>{_NTH})",
        _take_date,
    ),
    (
        (
            rf"(?P<except>(?:(?:every ?day|daily) )?except (?:on )?)?{_EVERY}(?:from )?"
            rf"(?P<days>{_SPANS})"
        ),
        _take_days,
    ),
    (
        (
            r"(?:(?:once )?(?:every|each|a|per) ?(?:single )?"
            r"(?:day|(?P<part>morning|afternoon|evening|night))|everyday|daily|nightly)\b"
        ),
        _take_daily,
    ),
    (r"(?:in the|at) (?P<part>morning|afternoon|evening|night)\b", _take_daily_part),
    (r"(?:weekly|(?:once )?(?:every|each|a|per) week)\b", _take_weekly),
    (r"(?:yearly|annually|(?:once )?(?:every|each|a|per) year)\b", _take_yearly),
    (
        (
            rf"(?:hourly|every (?:(?P<number>\d+|{'|'.join(NUMBER_WORDS)}) )?"
            r"(?P<unit>minute|hour)s?)\b"
        ),
        _take_step,
    ),
    (
        (
            r"at (?::|minute )(?P<minute>\d{1,2})\b|at (?:minute )?(?P<past>\d{1,2})(?: minutes?)?"
            r" past(?: the hour)?\b|on the hour\b"
        ),
        _take_minute,
    ),
    (rf"from (?P<first>{_CLOCK}) (?:to|-) (?P<last>{_CLOCK})", _take_window),
    (rf"(?P<at>at )?(?P<times>{_CLOCKS})", _take_times),
]
_PATTERNS = [(re.compile(source), take) for source, take in _SOURCES]


# --- what it all means ---------------------------------------------------------------------------


def _expression(phrase: _Phrase) -> str | None:
    minutes, hours = _every(phrase) if phrase.step else _at(phrase)
    if phrase.month and not phrase.yearly:
        return None
    if phrase.yearly and not phrase.month:
        raise PhraseProblem("it names no date of the year")
    if phrase.weekly and not phrase.weekday:
        raise PhraseProblem("it names no day of the week")
    if phrase.daily and (phrase.day or phrase.weekday.endswith("L") or "#" in phrase.weekday):
        return None
    day = phrase.day or ("?" if phrase.weekday else "*")
    return f"cron({minutes} {hours} {day} {phrase.month or '*'} {phrase.weekday or '?'} *)"


def _every(phrase: _Phrase) -> tuple[str, str]:
    """Minutes and hours of ``every 15 minutes``, ``every 2 hours from 8 to 18``."""
    assert phrase.step
    number, unit = phrase.step
    size = _MINUTES if unit == "minute" else _HOURS
    if phrase.times or number == 0 or size % number:
        raise PhraseProblem(f"every {number} {unit}s does not begin anew with each day or hour")
    if unit == "minute":
        if phrase.window or phrase.minute is not None:
            raise PhraseProblem("it leaves open whether the last hour counts")
        return ("*" if number == 1 else f"0/{number}"), "*"
    step = "" if number == 1 else f"/{number}"
    hours = f"{phrase.window[0]}-{phrase.window[1]}{step}" if phrase.window else f"0{step}"
    return str(phrase.minute or 0), ("*" if hours == "0" else hours)


def _at(phrase: _Phrase) -> tuple[str, str]:
    """Minutes and hours of ``at 6am and 6pm``."""
    if not phrase.times:
        raise PhraseProblem("it names no time of day")
    if phrase.minute is not None or phrase.window:
        raise PhraseProblem("it names no interval")
    minutes = sorted({minute for _, minute, _ in phrase.times})
    if len(minutes) > 1:
        raise PhraseProblem("times with different minutes need a schedule each")
    hours = {_hour(phrase, hour, bare=bare) for hour, _, bare in phrase.times}
    return str(minutes[0]), ",".join(str(hour) for hour in sorted(hours))


def _hour(phrase: _Phrase, hour: int, *, bare: bool) -> int:
    if not phrase.part:
        return hour
    meant = _PARTS[phrase.part]
    if bare and hour in meant:
        return meant[hour]
    if not bare and (hour in meant.values() or (hour == 0 and phrase.part == "night")):
        return hour
    raise PhraseProblem(f"{hour} is not an hour of the {phrase.part}")
