"""Which IANA zones may be meant by a name that is none.

Everything named here is in the zone database's list, so that no hint is refused itself. What the
database knows is asked of it: abbreviations, offsets and countries as of 2026.
"""

import difflib
import importlib.resources
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from toolkit.core.expressions.windows_zones import WINDOWS_ZONES
from toolkit.core.expressions.zone_names import zone_names

_WINTER, _SUMMER = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)
_LONGEST = 60
_MOST = 4  # zones of a hint
_NEAR = 0.84
_EAST, _WEST = 14, 12  # hours of the zones Etc/GMT-14 to Etc/GMT+12

# The zone to name where many share a clock.
_KNOWN_BEST = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Halifax",
    "America/Toronto",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Athens",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Africa/Lagos",
    "Africa/Johannesburg",
    "Africa/Nairobi",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Asia/Jerusalem",
    "Australia/Sydney",
    "Australia/Brisbane",
    "Australia/Adelaide",
    "Australia/Perth",
    "Pacific/Auckland",
]

# Abbreviations that people use and the database does not, or not for all of their places.
_SPOKEN = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
    "AKT": "America/Anchorage",
    "AT": "America/Halifax",
    "AST": "America/Halifax America/Puerto_Rico Asia/Riyadh",
    "BST": "Europe/London Asia/Dhaka",
    "GST": "Asia/Dubai",
    "SGT": "Asia/Singapore",
    "MYT": "Asia/Kuala_Lumpur",
    "ICT": "Asia/Bangkok",
    "PHT": "Asia/Manila",
    "NPT": "Asia/Kathmandu",
    "BDT": "Asia/Dhaka",
    "IRST": "Asia/Tehran",
    "TRT": "Europe/Istanbul",
    "BRT": "America/Sao_Paulo",
    "ART": "America/Argentina/Buenos_Aires",
    "CLT": "America/Santiago",
    "COT": "America/Bogota",
    "PET": "America/Lima",
    "VET": "America/Caracas",
    "UZT": "Asia/Tashkent",
    "FET": "Europe/Minsk",
    "AET": "Australia/Sydney Australia/Brisbane",
    "ACT": "Australia/Adelaide Australia/Darwin",
    "AWT": "Australia/Perth",
    "NZT": "Pacific/Auckland",
    "CHST": "Pacific/Guam",
}
_NAMED = {
    "eastern": "ET",
    "central": "CT",
    "mountain": "MT",
    "pacific": "PT",
    "alaska": "AKT",
    "hawaii": "HST",
    "atlantic": "AT",
    "central european": "CET",
    "eastern european": "EET",
    "western european": "WET",
    "greenwich mean": "GMT",
    "coordinated universal": "UTC",
    "universal": "UTC",
    "british": "BST",
    "irish": "IST",
    "indian": "IST",
    "japan": "JST",
    "korea": "KST",
    "china": "CST",
    "moscow": "MSK",
    "australian eastern": "AET",
    "new zealand": "NZT",
}
_ONLY = {"irish": "Europe/Dublin", "indian": "Asia/Kolkata", "china": "Asia/Shanghai"}
_ONLY |= {"british": "Europe/London"}
_CITIES = {  # large ones that have no zone of their own name
    "America/New_York": "washington boston miami atlanta philadelphia",
    "America/Chicago": "houston dallas austin minneapolis",
    "America/Los_Angeles": "sanfrancisco seattle sandiego portland",
    "America/Toronto": "ottawa montreal",
    "America/Sao_Paulo": "rio riodejaneiro brasilia",
    "Africa/Johannesburg": "capetown pretoria durban",
    "Asia/Dubai": "abudhabi",
    "Asia/Jerusalem": "telaviv",
    "Asia/Kolkata": "delhi newdelhi mumbai bombay bangalore bengaluru chennai hyderabad",
    "Asia/Shanghai": "beijing shenzhen guangzhou hangzhou",
    "Asia/Tokyo": "osaka kyoto",
    "Europe/Berlin": "munich hamburg frankfurt cologne",
    "Europe/London": "manchester edinburgh cardiff",
    "Europe/Madrid": "barcelona",
    "Europe/Moscow": "stpetersburg saintpetersburg",
    "Europe/Rome": "milan milano roma",
    "Europe/Zurich": "geneva bern basel",
}


def zone_hint(name: str) -> tuple[str | None, tuple[str, ...]]:
    """A hint for a name that is no zone, and the zones that it names; None and none if unsure.

    >>> zone_hint("New York")[0], zone_hint("JST")[0], zone_hint("Factory")[0]
    ('write America/New_York', 'write Asia/Tokyo', None)
    >>> zone_hint("PST")[0]
    'PST may mean America/Los_Angeles or Asia/Manila'
    """
    name = name.strip().strip("\"'`").replace("\N{MINUS SIGN}", "-")
    if not 0 < len(name) <= _LONGEST or not name.isprintable():
        return None, ()
    offset = _offset(name)
    if offset is not None:
        return _of_offset(name, offset)
    if (military := _military(name)) is not None:
        hint, zones = _of_offset(name, military)
        return f"{hint}, if you mean the military zone {name.upper()}", zones
    for find in (
        _spelt,
        _windows,
        _abbreviation,
        _posix,
        _spoken,
        _country,
        _city_of,
        _large_city,
        _near,
    ):
        zones = tuple(zone for zone in find(name) if zone in zone_names())[:_MOST]
        if zones:
            return _naming(name, zones), zones
    return None, ()


def is_abbreviation(text: str) -> bool:
    """Whether a word such as ``PST`` names zones."""
    return bool(text in zone_names() or any(_abbreviation(text)))


def _naming(name: str, zones: tuple[str, ...]) -> str:
    if len(zones) == 1:
        return f"write {zones[0]}"
    *most, last = zones
    return f"{name} may mean {', '.join(most)} or {last}"


# --- offsets -------------------------------------------------------------------------------------


def _offset(name: str) -> timedelta | None:
    match = re.fullmatch(
        r"\(?(?:UTC|GMT|Z)?\s*([+-])\s*(\d{1,2})(?::?([0-5]\d))?\)?", name, re.IGNORECASE
    )
    if match is None:
        match = re.fullmatch(r"<([+-])(\d\d)(\d\d)?>-?[\d:]+", name)  # POSIX of a nameless zone
    if match is None:
        return None
    sign = -1 if match[1] == "-" else 1
    return sign * timedelta(hours=int(match[2]), minutes=int(match[3] or 0))


def _of_offset(name: str, offset: timedelta) -> tuple[str | None, tuple[str, ...]]:
    hours = offset / timedelta(hours=1)
    if not -_WEST <= hours <= _EAST:
        return None, ()
    if not hours:
        return "write UTC", ("UTC",)
    if hours.is_integer():
        zone = f"Etc/GMT{-int(hours):+}"
        side = "ahead of" if hours > 0 else "behind"
        plural = "" if abs(hours) == 1 else "s"
        meaning = f"always {abs(int(hours))} hour{plural} {side} UTC"
        return f"write {zone} ({meaning}; its sign is turned round)", (zone,)
    zones = tuple(_with_offset(offset))[:_MOST]
    return (_naming(name, zones) if zones else None), zones


def _with_offset(offset: timedelta) -> Iterator[str]:
    """Places that have the offset: all year if there are such, else for a part of it."""
    all_year = [zone for zone, (_, offsets) in _places().items() if offsets == (offset, offset)]
    part = [zone for zone, (_, offsets) in _places().items() if offset in offsets]
    yield from _one_a_clock(all_year or part)


def _military(name: str) -> timedelta | None:
    """A to I and K to M are east of Greenwich, N to Y west of it, Z is UTC; J is one's own."""
    letters = "YXWVUTSRQPONZABCDEFGHIKLM"
    letter = name.upper()
    if len(letter) != 1 or letter not in letters:
        return None
    return timedelta(hours=letters.index(letter) - letters.index("Z"))


# --- names ---------------------------------------------------------------------------------------


def _folded(name: str) -> str:
    return re.sub(r"[\s_\-.]", "", name).casefold()


def _spelt(name: str) -> Iterator[str]:
    """Another spelling of a zone, or its city alone."""
    wanted = _folded(name.removeprefix("right/").removeprefix("posix/"))
    for zone in _ranked(zone_names()):
        if wanted == _folded(zone) and not zone.startswith("Etc/GMT"):
            yield zone
            return
    for zone in _ranked(zone_names()):
        city = zone.rpartition("/")[2]
        if _folded(wanted.rpartition("/")[2]) == _folded(city) and not zone.startswith("Etc/"):
            yield zone
            return


def _windows(name: str) -> Iterator[str]:
    wanted = _folded(name)
    for windows, zone in WINDOWS_ZONES.items():
        if wanted in (_folded(windows), _folded(windows.replace("Standard", "Daylight"))):
            yield zone


def _abbreviation(name: str) -> Iterator[str]:
    if name.upper() in _SPOKEN:
        yield from _SPOKEN[name.upper()].split()
        return
    yield from _one_a_clock(zone for zone, (names, _) in _places().items() if name.upper() in names)


def _posix(name: str) -> Iterator[str]:
    """``CET-1CEST,M3.5.0,M10.5.0/3``: its sign, too, is turned round."""
    match = re.fullmatch(r"([A-Za-z]{3,5})([+-]?\d{1,2})(?::\d\d)?([A-Za-z]{3,5})?(?:,.*)?", name)
    if match is None:
        return
    offset = timedelta(hours=-int(match[2]))
    wanted = {match[1].upper(), (match[3] or match[1]).upper()}
    yield from _one_a_clock(
        zone
        for zone, (names, offsets) in _places().items()
        if set(names) == wanted and offset in offsets
    )


def _spoken(name: str) -> Iterator[str]:
    """``Eastern Time (US & Canada)``, ``Central European Summer Time``."""
    words = re.sub(r"\(.*\)|\b(us|standard|daylight|summer|time)\b", "", name.casefold())
    wanted = " ".join(words.replace("/", " ").split())
    if wanted in _ONLY:
        yield _ONLY[wanted]
    elif wanted in _NAMED:
        short = _NAMED[wanted]
        yield from [short] if short in zone_names() else _abbreviation(short)


def _country(name: str) -> Iterator[str]:
    codes = dict(line.split("\t")[::-1] for line in _table("iso3166.tab"))
    folded = {_folded(country): code for country, code in codes.items()}
    code = folded.get(_folded(name), name if name in codes.values() else None)
    rows = [line.split("\t") for line in _table("zone1970.tab")]
    yield from _one_a_clock(row[2] for row in rows if code and code in row[0].split(","))


def _city_of(name: str) -> Iterator[str]:
    """``(UTC+01:00) Amsterdam, Berlin, Rome``, as Windows shows it."""
    match = re.fullmatch(r"\((?:UTC|GMT)[^)]*\)\s*(.+)", name)
    for city in match[1].split(",") if match else ():
        if zones := list(_spelt(city)):
            yield zones[0]
            return


def _large_city(name: str) -> Iterator[str]:
    city = _folded(name.rpartition("/")[2])
    yield from (zone for zone, cities in _CITIES.items() if city in cities.split())


def _near(name: str) -> Iterator[str]:
    """One that differs by a slip of the keyboard."""
    region, slash, city = name.rpartition("/")
    cities = {
        zone.rpartition("/")[2].casefold(): zone
        for zone in reversed(list(_ranked(zone_names())))
        if not zone.startswith("Etc/")
        and (not slash or zone.casefold().startswith(f"{region.casefold()}/"))
    }
    if len(city) > len("Rome"):
        wanted = city.casefold().replace(" ", "_")
        yield from (
            cities[near] for near in difflib.get_close_matches(wanted, cities, n=1, cutoff=_NEAR)
        )


# --- what the database knows ---------------------------------------------------------------------


def _ranked(zones: Iterable[str]) -> list[str]:
    """The best known first; a name with a region before a country's old one."""
    best = {zone: place for place, zone in enumerate(_KNOWN_BEST)}
    windows = set(WINDOWS_ZONES.values())

    def rank(zone: str) -> tuple[int, bool, bool, str]:
        return best.get(zone, len(best)), zone not in windows, "/" not in zone, zone

    return sorted(zones, key=rank)


@cache
def _places() -> dict[str, tuple[tuple[str, str], tuple[timedelta, timedelta]]]:
    """Places with their abbreviations and offsets in January and July, the best known first."""
    found = {}
    for name in _ranked(line.split("\t")[2] for line in _table("zone1970.tab")):
        if name in zone_names():
            zone = ZoneInfo(name)
            walls = [moment.astimezone(zone) for moment in (_WINTER, _SUMMER)]
            names = [str(wall.tzname()).upper() for wall in walls]
            offsets = [wall.utcoffset() or timedelta() for wall in walls]
            found[name] = ((names[0], names[1]), (offsets[0], offsets[1]))
    return found


def _one_a_clock(zones: Iterable[str]) -> Iterator[str]:
    """One zone, the best known, for all that show the same time."""
    clocks = set()
    for zone in _ranked(zones):
        offsets = _places()[zone][1]
        if offsets not in clocks:
            clocks.add(offsets)
            yield zone


def _table(name: str) -> list[str]:
    """The lines of one of the database's tables."""
    folder = importlib.resources.files("tzdata").joinpath("zoneinfo")
    lines = folder.joinpath(name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
