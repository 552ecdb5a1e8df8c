"""GHCN files: the format's traps, and the fast reader against the plain one."""

import io
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from workloads.batch.weather import ghcn
from workloads.batch.weather.ghcn_line import Columns, Format, decode_lines
from workloads.batch.weather.readings import Flag

SEATTLE = Format(b"USW00024233", (b"TMAX", b"TMIN", b"PRCP"))

USUAL = (
    b"USW00024233,20150101,TMAX,56,,,W,2400\n"
    b"USW00024233,20150101,TMIN,-43,,,W,2400\n"
    b"USW00024233,20150101,PRCP,0,T,,W,2400\n"
    b"USW00024233,20150101,SNOW,0,,,W,2400\n"
)
HEADER = b"ID,DATE,ELEMENT,DATA_VALUE,M_FLAG,Q_FLAG,S_FLAG,OBS_TIME\n"


def parse(content: bytes, wanted: Format = SEATTLE) -> Columns:
    return ghcn.parse(io.BytesIO(content), wanted)


def days_since_1970(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - date(1970, 1, 1)).days


def test_values_are_tenths_and_other_elements_are_left_out() -> None:
    columns = parse(USUAL)
    slots, values, flags = columns.of(0)
    assert (slots.tolist(), values.tolist(), flags.tolist()) == (
        [days_since_1970(2015, 1, 1)],
        [5.6],
        [Flag.GOOD],
    )
    assert columns.of(1)[1].tolist() == [-4.3]
    assert columns.of(2)[1].tolist() == [0.0]
    assert (len(columns.slots), columns.unreadable) == (3, 0)


def test_a_header_changes_nothing() -> None:
    assert_same(parse(HEADER + USUAL), parse(USUAL))


def test_a_last_line_without_newline_is_read() -> None:
    assert_same(parse(USUAL.rstrip(b"\n")), parse(USUAL))


def test_windows_line_ends_change_nothing() -> None:
    assert_same(parse(USUAL.replace(b"\n", b"\r\n")), parse(USUAL))


def test_a_quality_flag_marks_the_reading_and_other_flags_do_not() -> None:
    rows = [
        b"USW00024233,20150101,TMAX,56,,I,W,2400",
        b"USW00024233,20150102,TMAX,57,H,,W,2400",
        b"USW00024233,20150103,TMAX,58,H,G,,",
        b"USW00024233,20150104,TMAX,59,,,,",
        b"USW00024233,20150105,TMAX,60,, ,X,",
    ]
    flags = parse(b"\n".join(rows)).of(0)[2]
    assert flags.tolist() == [Flag.SOURCE, Flag.GOOD, Flag.SOURCE, Flag.GOOD, Flag.GOOD]


def test_minus_9999_is_no_value() -> None:
    _, values, flags = parse(b"USW00024233,20150101,TMAX,-9999,,,W,\n").of(0)
    assert np.isnan(values).all()
    assert flags.tolist() == [Flag.MISSING]


@pytest.mark.parametrize(
    "line",
    [
        b"USW00024233,20150229,TMAX,56,,,W,2400",  # no such day
        b"USW00024233,20151301,TMAX,56,,,W,2400",
        b"USW00024233,2015010,TMAX,56,,,W,2400",
        b"USW00024233,20150101,TMAX,5.6,,,W,2400",
        b"USW00024233,20150101,TMAX,,,,W,2400",
        b"USW00024233,20150101,TMAX,--56,,,W,2400",
        b"USW00024233,20150101,TMAX,56",
        b"USW00024233,20150101,TMAX,56,,",
        b"<html>",
        b"",
    ],
)
def test_a_broken_line_is_counted_and_costs_only_itself(line: bytes) -> None:
    columns = parse(USUAL + line + b"\n" + USUAL)
    assert (len(columns.slots), columns.unreadable) == (6, 1)


@pytest.mark.parametrize("end", [b"", b",", b",,"])
def test_a_line_that_ends_early_does_not_borrow_from_the_next(end: bytes) -> None:
    block = b"USW00024233,20150101,TMAX,56" + end + b"\n,I,,W,2400\n" + USUAL
    assert_same(ghcn.decode(block, SEATTLE), decode_lines(block, SEATTLE))


def test_other_stations_in_the_file_are_left_out() -> None:
    columns = parse(USUAL.replace(b"24233", b"94728") + USUAL)
    assert (len(columns.slots), columns.unreadable) == (3, 0)


def test_an_empty_file_has_no_readings() -> None:
    assert len(parse(b"").slots) == 0


TEXT = st.text(" ,-0123456789AW\r", max_size=4).map(str.encode)
FIELDS = (
    st.sampled_from([b"USW00024233"] * 8 + [b"USW00094728", b"USW0002423", b"USW,0024233", b""]),
    st.one_of(
        st.dates(date(1690, 1, 1), date(2210, 1, 1)).map(lambda day: f"{day:%Y%m%d}".encode()),
        st.dates(date(2015, 2, 1), date(2015, 3, 1)).map(lambda day: f"{day:%Y%m%d}".encode()),
        st.sampled_from([b"20150230", b"20159901", b"00000000", b"2015010", b"2015-1-1", b""]),
    ),
    st.sampled_from([b"TMAX", b"TMIN", b"PRCP", b"TEMP", b"SNOW", b"WT01", b"T,AX", b"TMA", b""]),
    st.one_of(
        st.integers(-9999, 99999).map(lambda value: f"{value}".encode()),
        st.sampled_from([b"", b"-", b"0", b"-0", b"007", b"123456", b"1.5", b"+1", b"-,", b"12-"]),
    ),
    *[st.one_of(st.sampled_from([b"", b"", b"H", b"I", b" "]), TEXT)] * 3,
    st.one_of(
        st.tuples(st.integers(0, 25), st.integers(0, 61)).map(
            lambda time: f"{time[0]:02}{time[1]:02}".encode()
        ),
        TEXT,
    ),
)
LINES = st.one_of(
    st.tuples(*FIELDS).map(b",".join),
    st.tuples(*FIELDS).map(lambda fields: b",".join(fields)[: len(fields[4]) * 7 + 20]),
    st.sampled_from([b"", HEADER.strip(), b"USW00024233", b"," * 9]),
)
BLOCKS = st.lists(LINES, min_size=1, max_size=12).map(lambda lines: b"\n".join(lines) + b"\n")


@settings(max_examples=examples(400), deadline=None)
@given(BLOCKS)
def test_blocks_are_decoded_as_their_lines_are(block: bytes) -> None:
    assert_same(ghcn.decode(block, SEATTLE), decode_lines(block, SEATTLE))


@settings(max_examples=examples(50), deadline=None)
@given(BLOCKS, st.integers(1, 99))
def test_where_the_file_is_cut_into_blocks_does_not_matter(content: bytes, size: int) -> None:
    pieces = list(ghcn.blocks(io.BytesIO(content), size))
    assert b"".join(pieces) == content
    assert_same(
        ghcn.join([ghcn.decode(piece, SEATTLE) for piece in pieces]),
        decode_lines(content, SEATTLE),
    )


def test_usual_lines_never_reach_the_slow_path() -> None:
    def refuse(line: bytes, _: Format) -> None:
        raise AssertionError(line)

    assert len(ghcn.decode(USUAL * 100, SEATTLE, refuse).slots) == 300


def assert_same(left: Columns, right: Columns) -> None:
    assert left.unreadable == right.unreadable
    for name in ("kinds", "slots", "tenths", "flagged"):
        one, other = getattr(left, name), getattr(right, name)
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()
