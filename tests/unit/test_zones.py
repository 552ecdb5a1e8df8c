"""Zone names: which are taken, and which zones a hint says may be meant."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolkit.core.expressions.expression import ExpressionError, parse
from toolkit.core.expressions.windows_zones import WINDOWS_ZONES
from toolkit.core.expressions.zone_names import zone_names
from toolkit.core.expressions.zones import find_zone

CASES = Path(__file__).parents[1] / "cases" / "zones.jsonl"

# A name, and the zones that its hint names: none where nothing is sure.
MEANT = {
    # slips and parts of a name
    "Berlin": ["Europe/Berlin"],
    "europe/berlin": ["Europe/Berlin"],
    "New York": ["America/New_York"],
    "America/NewYork": ["America/New_York"],
    "Europe/Berln": ["Europe/Berlin"],
    "London ": ["Europe/London"],
    '"Europe/Paris"': ["Europe/Paris"],
    "utc": ["UTC"],
    "Asia/Kiev": ["Europe/Kiev"],
    "right/Europe/Berlin": ["Europe/Berlin"],
    "Asia/Delhi": ["Asia/Kolkata"],
    "Asia/Beijing": ["Asia/Shanghai"],
    "San Francisco": ["America/Los_Angeles"],
    # offsets: POSIX turns the sign round
    "GMT+1": ["Etc/GMT-1"],
    "UTC+1": ["Etc/GMT-1"],
    "gmt-5": ["Etc/GMT+5"],
    "+02:00": ["Etc/GMT-2"],
    "-0800": ["Etc/GMT+8"],
    "UTC+14": ["Etc/GMT-14"],
    "GMT+01": ["Etc/GMT-1"],
    "UTC+0": ["UTC"],
    "UTC+05:30": ["Asia/Kolkata"],
    "+05:45": ["Asia/Kathmandu"],
    "-0330": ["America/St_Johns"],
    "UTC+15": [],
    "UTC-13": [],
    "Etc/GMT+15": [],
    "Etc/UTC+1": [],
    "<+03>-3": ["Etc/GMT-3"],
    # abbreviations
    "JST": ["Asia/Tokyo"],
    "CEST": ["Europe/Berlin"],
    "EDT": ["America/New_York"],
    "PST": ["America/Los_Angeles", "Asia/Manila"],
    "IST": ["Europe/Dublin", "Asia/Kolkata", "Asia/Jerusalem"],
    "BST": ["Europe/London", "Asia/Dhaka"],
    "CST": ["America/Chicago", "Asia/Shanghai", "America/Guatemala", "America/Havana"],
    "AEST": ["Australia/Sydney", "Australia/Brisbane"],
    "ET": ["America/New_York"],
    "SGT": ["Asia/Singapore"],
    "XYZT": [],
    # military letters
    "Z": ["UTC"],
    "A": ["Etc/GMT-1"],
    "I": ["Etc/GMT-9"],
    "K": ["Etc/GMT-10"],
    "M": ["Etc/GMT-12"],
    "N": ["Etc/GMT+1"],
    "r": ["Etc/GMT+5"],
    "Y": ["Etc/GMT+12"],
    "J": [],
    # other systems
    "W. Europe Standard Time": ["Europe/Berlin"],
    "GMT Standard Time": ["Europe/London"],
    "Pacific Daylight Time": ["America/Los_Angeles"],
    "(UTC+01:00) Amsterdam, Berlin, Bern, Rome": ["Europe/Amsterdam"],
    "Eastern Time (US & Canada)": ["America/New_York"],
    "Central European Time": ["CET"],
    "India Standard Time": ["Asia/Kolkata"],
    "CET-1CEST,M3.5.0,M10.5.0/3": ["Europe/Berlin"],
    "JST-9": ["Asia/Tokyo"],
    # countries
    "Germany": ["Europe/Berlin"],
    "DE": ["Europe/Berlin"],
    # no zones
    "localtime": [],
    "Factory": [],
    "posixrules": [],
    "Europe": [],
    "": [],
    "Mars/Phobos": [],
    "../../etc/passwd": [],
    "Z" * 60: [],
    "Europe/Berlin\0": [],
}


def refusal(name):
    with pytest.raises(ExpressionError) as caught:
        parse("cron(0 6 * * ? *)").check(name)
    return caught.value


@pytest.mark.parametrize(("name", "zones"), MEANT.items())
def test_an_unknown_zone_is_refused_with_those_that_may_be_meant(name, zones):
    error = refusal(name)
    assert (error.field, list(error.instead)) == ("timezone", zones)
    assert all(zone in (error.hint or "") for zone in zones)
    assert bool(error.hint) == bool(zones)


@pytest.mark.parametrize("line", CASES.read_text("utf-8").splitlines())
def test_a_zone_that_people_really_wrote_gets_no_wrong_hint(line):
    case = json.loads(line)
    error = refusal(case["input"])
    if case["meant"].startswith("no zone"):
        assert error.hint is None
    else:
        zone = find_zone(*error.instead)
        assert parse("cron(0 6 * * ? *)").check(zone.key) == ()
        assert zone.key == "Etc/GMT-1"


@example("Etc/GMT+15")
@example("us/pacific")
@given(st.text() | st.sampled_from(sorted(available_timezones())).map(str.swapcase))
def test_no_hint_is_itself_refused(name):
    if name not in zone_names():
        error = refusal(name)
        assert bool(error.hint) == bool(error.instead)
        assert all(find_zone(zone).key == zone for zone in error.instead)


def test_names_are_those_of_the_list_however_the_disk_spells_them():
    assert {"UTC", "Europe/Berlin", "US/Pacific", "Etc/GMT-14", "EST"} <= zone_names()
    assert all(ZoneInfo(name).key == name for name in zone_names())
    for name in ("EUROPE/BERLIN", "utc", "Factory", "localtime", "posix/UTC", "zone.tab"):
        assert refusal(name).field == "timezone"


def test_every_windows_name_stands_for_a_known_zone():
    assert len(WINDOWS_ZONES) > 130
    for name, zone in WINDOWS_ZONES.items():
        assert zone in zone_names()
        if name not in zone_names():
            assert refusal(name).instead == (zone,)
