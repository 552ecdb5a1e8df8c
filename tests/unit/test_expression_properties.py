"""Properties over generated expressions, zones and moments, and a fuzz run over broken text."""

import importlib.resources
import random
import struct
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.brute_force import DAYS, MONTHS, matches, scan
from tests.thorough import examples
from toolkit.core.expressions.expression import ExpressionError, parse

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "Africa/Casablanca",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]

# --- strategies ----------------------------------------------------------------------------------


def values(low, high, names="", *, steps=True):
    value = st.integers(low, high).map(str)
    if names:
        value |= st.sampled_from(names.split())
    span = st.tuples(*[st.integers(low, high)] * 2).map(lambda ends: f"{ends[0]}-{ends[1]}")
    step = st.integers(1, high - low)
    stepped = st.one_of(
        st.tuples(st.integers(low, high), step).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        st.tuples(span, step).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        step.map(lambda n: f"*/{n}"),
    )
    item = st.one_of(value, span, stepped) if steps else value | span
    return st.lists(item, min_size=1, max_size=3).map(",".join)


def years():
    first = st.integers(1970, 2190)
    return st.tuples(first, st.integers(0, 9)).map(lambda pair: f"{pair[0]}-{sum(pair)}")


days_of_month = st.one_of(
    st.just("*"),
    values(1, 31),
    st.sampled_from(["L", "LW", "31"]),
    st.integers(0, 30).map("L-{}".format),
    st.integers(1, 31).map("{}W".format),
    st.integers(0, 5).map("L-{}W".format),
).map(lambda day: (day, "?"))
days_of_week = st.one_of(
    st.just("*"),
    values(1, 7, DAYS, steps=False),
    st.just("L"),
    st.sampled_from([*DAYS.split(), *"1234567"]).map("{}L".format),
    st.tuples(st.sampled_from([*DAYS.split(), *"1234567"]), st.integers(1, 5)).map(
        lambda pair: f"{pair[0]}#{pair[1]}"
    ),
).map(lambda day: ("?", day))
crons = st.tuples(
    st.just("*") | values(0, 59),
    st.just("*") | values(0, 23),
    days_of_month | days_of_week,
    st.just("*") | values(1, 12, MONTHS),
    st.just("*") | years(),
).map(lambda f: f"{f[0]} {f[1]} {f[2][0]} {f[3]} {f[2][1]} {f[4]}")
zones = st.sampled_from(ZONES)
moments = st.integers(0, 226 * 365 * 1440).map(
    lambda minutes: datetime(1973, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
# Where clocks change, or Samoa leaves out a day.
changes = st.sampled_from(
    [
        datetime(2026, 3, 28, 22, tzinfo=UTC),
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2026, 11, 1, 0, tzinfo=UTC),
        datetime(2026, 10, 3, 12, tzinfo=UTC),
        datetime(2010, 11, 6, 20, tzinfo=UTC),
        datetime(2011, 12, 29, 20, tzinfo=UTC),
        datetime(2026, 2, 14, 20, tzinfo=UTC),
    ]
)


@settings(max_examples=examples(150), deadline=None)
@given(crons, zones, moments | changes)
def test_a_day_of_firings_is_what_a_scan_of_its_minutes_finds(fields, zone, after):
    until = after + timedelta(hours=14)
    expected = list(scan(fields, zone, after, until))
    expression = parse(f"cron({fields})")
    assert list(expression.firings(after, zone, until)) == expected
    just_after = until + timedelta(microseconds=1)
    just_since = after + timedelta(microseconds=1)
    assert list(expression.firings_before(just_after, zone, just_since)) == expected[::-1]


@settings(max_examples=examples(300), deadline=None)
@given(crons, zones, moments)
def test_firings_are_in_order_and_match_the_fields(fields, zone, after):
    found = list(islice(parse(f"cron({fields})").firings(after, zone), 20))
    assert all(earlier < later for earlier, later in pairwise([after, *found]))
    for time in found:
        wall = time.astimezone(ZoneInfo(zone))
        assert (wall.second, wall.microsecond, wall.fold) == (0, 0, 0)
        assert matches(fields, wall)


@settings(max_examples=examples(300), deadline=None)
@given(crons, zones, moments)
def test_the_firing_before_the_next_one_is_the_previous_one(fields, zone, moment):
    expression = parse(f"cron({fields})")
    following = next(expression.firings(moment, zone), None)
    previous = next(expression.firings_before(moment, zone), None)
    if following:
        assert next(expression.firings_before(following, zone), None) in (previous, moment)
    if previous:
        assert next(expression.firings(previous, zone), None) in (following, moment)
    if following or previous:
        assert not expression.never


rates = st.tuples(st.integers(1, 10**7), st.sampled_from(["minute", "hour", "day"])).map(
    lambda rate: f"rate({rate[0]} {rate[1]}{'s' * (rate[0] > 1)})"
)


@settings(max_examples=examples(200), deadline=None)
@given(rates, moments, moments)
def test_a_rate_keeps_whole_intervals_from_its_anchor(text, anchor, moment):
    rate = parse(text)
    later = list(islice(rate.firings(moment, anchor=anchor), 5))
    earlier = list(islice(rate.firings_before(moment, anchor=anchor), 5))
    assert all(one < other for one, other in pairwise([*earlier[::-1], *later]))
    assert all(time > moment for time in later)
    assert all(anchor <= time < moment for time in earlier)
    assert all((time - anchor) % rate.interval == timedelta() for time in earlier + later)
    assert bool(earlier) == (moment > anchor)
    if earlier and later:
        between = (moment - anchor) % rate.interval == timedelta()  # the moment itself fires
        assert later[0] - earlier[0] == rate.interval * (1 + between)


extremes = st.datetimes(
    timezones=st.sampled_from([UTC, *(ZoneInfo(zone) for zone in ("Asia/Tokyo", "America/Lima"))])
)


@settings(max_examples=examples(300), deadline=None)
@given(crons.map("cron({})".format) | rates, zones, extremes, extremes)
def test_no_moment_of_pythons_calendar_is_too_far(text, zone, moment, start):
    expression = parse(text)
    list(islice(expression.firings(moment, zone, start=start), 3))
    list(islice(expression.firings_before(moment, zone, end=start, anchor=start), 3))


# --- broken text ---------------------------------------------------------------------------------


def survives(text):
    """Parse and use a text; whatever it is, only ExpressionError may come of it."""
    try:
        expression = parse(text)
        assert expression.describe()
        after = datetime(2026, 11, 24, 12, tzinfo=UTC)
        list(islice(expression.firings(after, "Europe/Berlin"), 2))
        list(islice(expression.firings_before(after, "Europe/Berlin"), 2))
    except ExpressionError as refused:
        error = refused
    else:
        return True
    assert error.field in error.message
    assert error.reason
    assert bool(error.hint) == bool(error.instead)
    assert all(parse(expression).warnings == () for expression in error.instead)
    return False


@settings(max_examples=examples(500), deadline=None)
@given(st.text() | st.from_regex(r"(cron|rate|at)\([^)]*\)", fullmatch=True))
def test_any_text_is_read_or_refused(text):
    survives(text)


SEEDS = [
    "cron(0 6 * * ? *)",
    "cron(0/15 8-17 ? JAN-MAR MON-FRI 2026-2030)",
    "cron(5,35 20-2/3 L-3 */2 ? 2026/2)",
    "cron(0 0 ? * 6L *)",
    "cron(0 0 ? 2 TUE#5 *)",
    "cron(0 0 LW * ? *)",
    "cron(0 0 31W 1,4 ? *)",
    "rate(5 minutes)",
    "rate(1 day)",
    "at(2026-12-24T18:00:00)",
]
PIECES = [*"0123456789*?,-/LW#() TZ:.", *MONTHS.split(), *DAYS.split(), "cron", "rate", "\n", "é"]


def mutate(text, generator):
    for _ in range(generator.choice([1, 1, 1, 2, 5])):
        place = generator.randrange(5, len(text))
        piece = generator.choice([generator.choice("0123456789"), generator.choice(PIECES)])
        text = text[:place] + piece + text[place + generator.choice([0, 1]) :]
    return text


def test_mutated_expressions_are_read_or_refused():
    generator = random.Random(20261124)
    read = sum(survives(mutate(generator.choice(SEEDS), generator)) for _ in range(12_000))
    assert 1_000 < read < 9_000  # the run must see both


# --- what the engine takes for granted of the zones -------------------------------------------


def transitions(zone):
    """The moments at which a zone changes its offset, from its TZif file (RFC 8536)."""
    files = [Path(directory, zone) for directory in TZPATH]
    found = next((path for path in files if path.is_file()), None)
    package = importlib.resources.files("tzdata") / "zoneinfo" / zone
    content = (found or package).read_bytes()
    header = struct.Struct(">4s c 15x 6l")
    _, version, utc, std, leap, count, types, chars = header.unpack_from(content)
    assert version >= b"2"
    skip = header.size + count * 5 + types * 6 + chars + leap * 8 + std + utc
    _, _, _, _, _, count, _, _ = header.unpack_from(content, skip)
    return struct.unpack_from(f">{count}q", content, skip + header.size)


@pytest.mark.parametrize("letter", sorted({zone[0] for zone in available_timezones()}))
def test_no_zone_changes_its_clock_twice_within_two_days(letter):
    two_days = 2 * 24 * 3600
    for zone in available_timezones():
        if zone.startswith(letter):
            times = [time for time in transitions(zone) if time > -two_days]
            assert all(later - earlier > two_days for earlier, later in pairwise(times)), zone
