"""Hints keep the meaning, or there is none.

Three sources: what people really wrote (tests/cases), more inputs of each kind, and generated
expressions of other dialects, whose firings two independent libraries know.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from croniter import croniter
from cronsim import CronSim, CronSimError
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.core.expressions.expression import ExpressionError, parse

CASES = Path(__file__).parents[1] / "cases"
START = datetime(2026, 11, 24, 12)  # noqa: DTZ001 - a Tuesday, on any wall


def cases(*names):
    lines = [line for name in names for line in (CASES / name).read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def refusal(text):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    "case",
    cases("expressions.jsonl", "more_expressions.jsonl"),
    ids=lambda case: case["input"],
)
def test_a_refused_expression_gets_a_hint_that_means_the_same_or_none(case):
    error = refusal(case["input"])
    if case["meant"] is None:
        assert error.instead == ()
        assert error.hint is None
        return
    assert error.instead[0] in case["meant"]
    assert all(parse(expression).warnings == () for expression in error.instead)
    assert error.hint.startswith(f"write {error.instead[0]}")
    assert case.get("timezone", "") in error.hint


# --- two readings, or no reading that AWS can say ------------------------------------------------


def test_both_day_fields_of_unix_are_two_schedules():
    error = refusal("cron(0 0 1,15 * 1)")
    assert error.hint is None
    assert "make two schedules" in error.reason
    assert error.reason.endswith("cron(0 0 1,15 * ? *) and cron(0 0 ? * MON *)")


def test_seconds_that_matter_are_said_to_be_too_fine():
    error = refusal("30 0 9 * * ?")
    assert error.hint is None
    assert error.reason == "seconds '30': AWS keeps to the minute and has no field for seconds"


def test_numbers_of_days_in_six_fields_are_read_both_ways():
    error = refusal("cron(0 9 * * 1-5 *)")
    assert error.instead == ("cron(0 9 ? * MON-FRI *)", "cron(0 9 ? * SUN-THU *)")
    assert "1 is Monday (Unix, Spring)" in error.hint
    assert "1 is Sunday (AWS, Quartz)" in error.hint


def test_quartz_and_spring_count_days_differently():
    error = refusal("0 0 9 ? * 5#2")
    assert error.instead == ("cron(0 9 ? * THU#2 *)", "cron(0 9 ? * FRI#2 *)")


def test_monday_to_friday_in_unix_numbers_is_warned_of_where_aws_accepts_it():
    assert "Sunday to Thursday" in parse("cron(0 9 ? * 1-5 *)").warnings[0]


def test_a_zone_that_is_none_is_explained_beside_the_expression():
    error = refusal("0 6 * * * PST")
    assert error.hint == (
        "write cron(0 6 * * ? *) and set its time zone; "
        "PST may mean America/Los_Angeles or Asia/Manila"
    )


# --- generated expressions of other dialects ------------------------------------------------------

NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def numbers(low, high):
    value = st.integers(low, high)
    # Not 8-8: the oracles read it differently.
    ends = st.lists(value, min_size=2, max_size=2, unique=True).map(sorted)
    span = ends.map(lambda ends: f"{ends[0]}-{ends[1]}")
    step = st.integers(1, high - low)
    item = st.one_of(
        value.map(str),
        value.map("{:02}".format),
        span,
        st.tuples(span, step).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        step.map("*/{}".format),
    )
    return st.just("*") | st.lists(item, min_size=1, max_size=3).map(",".join)


# A weekday field as (text of Unix, text of Quartz): the same days, counted from 0 and from 1.
one_day = st.sampled_from(range(7)).map(lambda day: (str(day), str(day + 1)))
named_day = st.sampled_from(range(7)).map(lambda day: (NAMES[day], NAMES[day]))
ends_of_days = st.lists(st.integers(0, 6), min_size=2, max_size=2, unique=True).map(sorted)
span_of_days = ends_of_days.map(
    lambda ends: (f"{ends[0]}-{ends[1]}", f"{ends[0] + 1}-{ends[1] + 1}")
)
named_span = ends_of_days.map(lambda ends: (f"{NAMES[ends[0]]}-{NAMES[ends[1]]}",) * 2)
nth_day = st.tuples(st.integers(0, 6), st.integers(1, 4)).map(
    lambda pair: (f"{pair[0]}#{pair[1]}", f"{pair[0] + 1}#{pair[1]}")
)
list_of_days = st.lists(one_day | named_day | span_of_days, min_size=1, max_size=3).map(
    lambda items: (",".join(unix for unix, _ in items), ",".join(quartz for _, quartz in items))
)
stepped_days = st.integers(1, 6).map(lambda step: (f"*/{step}",) * 2)
sundays = st.sampled_from(["7", "5-7", "0,7", "7,1", "0-6", "1-7", "1-7/2"]).map(
    lambda text: (text, "")
)
weekdays = st.one_of(list_of_days, named_span, nth_day, stepped_days, sundays)
months = numbers(1, 12) | st.sampled_from(["jan", "JAN,FEB", "Mar-May", "dec", "MAR-DEC/3"])
days = numbers(1, 31) | st.just("L")
fields = st.tuples(
    numbers(0, 59) | st.sampled_from(["5/15", "0/10", "*/7"]),
    numbers(0, 23) | st.just("*/24"),
    days,
    months,
    weekdays,
)


def oracle(unix_text, count=12):
    """The firings of a Unix expression as cronsim finds them; None where it refuses it.

    croniter has to find the same, but for what it is known to misread: a range of one value, such
    as ``8-8``, for every value; a step after a number or to 7 in the days of a week; and ``L`` or
    ``#`` beside another day.
    """
    try:
        simulated = list(islice(CronSim(unix_text, START), count))
    except (CronSimError, RecursionError):
        return None
    day, _, weekday = unix_text.split()[2:]
    misread = re.search(r"\b(\w+)-\1\b|[^ *]/|-7|7#", unix_text) or (day != "*" and weekday != "*")
    if not misread:
        iterated = islice(croniter(unix_text, START).all_next(datetime), len(simulated))
        assert simulated == list(iterated), unix_text
    return simulated


def firings(expression, count=12):
    found = parse(expression).firings(START.replace(tzinfo=UTC), "UTC")
    return [time.replace(tzinfo=None) for time in islice(found, count)]


WRAPPINGS = [
    "{}",
    '"{}"',
    "`{}`",
    "'{}',",
    "{};",
    "  {}\n",
    "{} # backup",
    "{} // backup",
    "schedule: {}",
    "- cron: '{}'",
    "ScheduleExpression: {}",
    '"ScheduleExpression": "{}",',
    'schedule_expression = "{}"',
    "\u201c{}\u201d",
    "<code>{}</code>",
]
wrappings = st.sampled_from(WRAPPINGS)
commands = st.sampled_from(
    ["{}", "{} /usr/bin/backup", "{} root /usr/bin/backup >/dev/null 2>&1", "{} cd /app && ./run"]
)
zones = st.sampled_from(
    ["{}", "CRON_TZ=Europe/Paris {}", "TZ=Asia/Tokyo {}", "{} Europe/Paris", "{} UTC"]
)


def suggested(text):
    """The expressions that the hint for a text names; each is right and quiet."""
    error = refusal(text)
    for expression in error.instead:
        assert parse(expression).warnings == ()
        assert expression in error.hint
    event(f"{len(error.instead)} expressions")
    return error


def chosen(day, weekday, which):
    """One of the two day fields, the other ``*``; or both."""
    return {"day": (day, "*"), "weekday": ("*", weekday), "both": (day, weekday)}[which]


@settings(max_examples=examples(250), deadline=None)
@example(("0", "5", "1,*", "*", ("1", "2")), "both", "{}", "{}", "{}")
@given(fields, st.sampled_from(["day", "weekday", "both"]), wrappings, commands, zones)
def test_unix_fields_fire_as_unix_or_get_no_hint(parts, which, wrapping, command, zone):
    minute, hour, day, month, (weekday, _) = parts
    day, weekday = chosen(day, weekday, which)
    text = f"{minute} {hour} {day} {month} {weekday}"
    expected = oracle(text)
    assume(expected)
    decorated = wrapping.format(command.format(zone.format(text)))
    error = suggested(decorated if wrapping == "{}" else wrapping.format(zone.format(text)))
    assert len(error.instead) <= 1
    if error.instead:
        assert firings(error.instead[0]) == expected
    elif "make two schedules" in error.reason:
        both = re.findall(r"cron\([^()]*\)", error.reason)
        assert len(both) == 2
        assert sorted({*firings(both[0]), *firings(both[1])})[: len(expected)] == expected


@settings(max_examples=examples(250), deadline=None)
@given(fields, st.sampled_from(["day", "weekday", "both"]), st.sampled_from(["cron({})", "{}"]))
def test_quartz_fields_fire_as_quartz_or_get_no_hint(parts, which, frame):
    minute, hour, day, month, (unix_weekday, quartz_weekday) = parts
    assume(quartz_weekday)
    day, weekday = chosen(day, unix_weekday, which)
    expected = oracle(f"{minute} {hour} {day} {month} {weekday}")
    assume(expected and which != "both")
    by_day = which == "day"
    seven = (
        f"0 {minute} {hour} {day if by_day else '?'} {month} {'?' if by_day else quartz_weekday}"
    )
    for text in (seven, f"{seven} *"):
        error = suggested(frame.format(text))
        if error.instead:
            assert expected in [firings(expression) for expression in error.instead]


@settings(max_examples=examples(250), deadline=None)
@given(fields, st.sampled_from(["day", "weekday"]), st.sampled_from(["cron({})", "{}"]))
def test_spring_fields_fire_as_spring_or_get_no_hint(parts, which, frame):
    minute, hour, day, month, (weekday, _) = parts
    day, weekday = chosen(day, weekday, which)
    expected = oracle(f"{minute} {hour} {day} {month} {weekday}")
    assume(expected)
    text = f"0 {minute} {hour} {day} {month} {weekday}"
    if frame != "{}" and weekday.startswith("*") and month != "*":
        return  # in AWS's frame, what stands fifth is taken for a day of the week
    try:
        error = suggested(frame.format(text))
    except pytest.fail.Exception:
        event("AWS reads it, too")  # cron(0 6 1 * ? *) means nothing else to AWS
        return
    if error.instead:
        assert expected in [firings(expression) for expression in error.instead]


@settings(max_examples=examples(250), deadline=None)
@given(fields, st.sampled_from(["day", "weekday", "both"]))
def test_six_fields_without_a_question_mark_fire_as_written(parts, which):
    minute, hour, day, month, (weekday, _) = parts
    day, weekday = chosen(day, weekday, which)
    expected = oracle(f"{minute} {hour} {day} {month} {weekday}")
    assume(expected)
    error = suggested(f"cron({minute} {hour} {day} {month} {weekday} *)")
    if error.instead:
        assert expected in [firings(expression) for expression in error.instead]


UNITS = {
    1: ["m", "min", "mins", "minute", "minutes", "Minutes", "MIN"],
    60: ["h", "hr", "hrs", "hour", "hours", "Hours"],
    24 * 60: ["d", "day", "days", "DAYS"],
    7 * 24 * 60: ["w", "week", "weeks"],
}
lengths = st.tuples(st.integers(1, 500), st.sampled_from(list(UNITS))).flatmap(
    lambda pair: st.tuples(
        st.sampled_from(["{} {}", "{}{}", "{}  {}", "{}-{}"]), st.sampled_from(UNITS[pair[1]])
    ).map(lambda form: (form[0].format(pair[0], form[1]), pair[0] * pair[1]))
)
durations = st.lists(lengths, min_size=1, max_size=2).map(
    lambda found: (" ".join(text for text, _ in found), sum(minutes for _, minutes in found))
)
seconds = st.integers(1, 100_000).flatmap(
    lambda count: st.sampled_from(["s", " sec", " seconds"]).map(
        lambda unit: (f"{count}{unit}", count / 60)
    )
)


@settings(max_examples=examples(250), deadline=None)
@given(
    durations | seconds,
    st.sampled_from(
        ["rate({})", "@every {}", "every {}", "rate(every {})", "Rate: {}", "'rate({})'"]
    ),
)
def test_a_length_of_time_becomes_a_rate_as_long_or_nothing(length, frame):
    text, minutes = length
    try:
        error = suggested(frame.format(text))
    except pytest.fail.Exception:
        return  # rate(5 minutes) is right as it is
    assert bool(error.instead) == (minutes == int(minutes))
    for expression in error.instead:
        assert parse(expression).interval == timedelta(minutes=minutes)


CLOCKS = ["{h}:{m:02}", "{h:02}:{m:02}", "{t}:{m:02} {p}", "{t}:{m:02}{p}", "{t}.{m:02} {P}"]
clocks = st.tuples(st.integers(0, 23), st.integers(0, 59), st.sampled_from(CLOCKS)).map(
    lambda c: (
        c[2].format(
            h=c[0], m=c[1], t=c[0] % 12 or 12, p="ap"[c[0] // 12] + "m", P="AP"[c[0] // 12] + "M"
        ),
        c[0],
        c[1],
    )
)
LONG = {name: f"{name.title()}day" for name in ("SUN", "MON", "FRI")}
LONG |= {"TUE": "Tuesday", "WED": "Wednesday", "THU": "Thursday", "SAT": "Saturday"}
ORDINALS = ("first", "second", "third", "fourth")
spoken_days = st.one_of(
    st.sampled_from([("every day", "*"), ("daily", "*"), ("each day", "*"), ("", "*")]),
    st.sampled_from([("every weekday", "1-5"), ("weekdays", "1-5"), ("on weekends", "0,6")]),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True).map(
        lambda names: (f"every {' and '.join(LONG[name] for name in names)}", ",".join(names))
    ),
    st.sampled_from(NAMES).map(lambda name: (f"on {LONG[name].lower()}s", name)),
    st.tuples(st.sampled_from(NAMES), st.integers(1, 4)).map(
        lambda pair: (
            f"the {ORDINALS[pair[1] - 1]} {LONG[pair[0]]} of the month",
            f"{NAMES.index(pair[0])}#{pair[1]}",
        )
    ),
)


@settings(max_examples=examples(250), deadline=None)
@given(spoken_days, clocks, st.booleans())
def test_plain_words_fire_when_they_say(spoken, clock, time_first):
    words, weekday = spoken
    text, hour, minute = clock
    phrase = f"at {text} {words}".strip() if time_first else f"{words} at {text}".strip()
    error = suggested(phrase)
    assert len(error.instead) == 1
    assert firings(error.instead[0]) == oracle(f"{minute} {hour} * * {weekday}")
