"""The names of the time zone database."""

import importlib.resources
import zoneinfo
from functools import cache

_NO_PLACES = frozenset({"Factory", "localtime"})  # files of the database that AWS has no zone for
_LONGEST_NAME = 50  # CreateSchedule takes 1-50 characters


@cache
def zone_names() -> frozenset[str]:
    """The names of the time zone database, spelt as it spells them.

    They come from its list: a disk that ignores case would open ``europe/berlin`` as well. An image
    has no package tzdata, and a database of its system instead.
    """
    try:
        package = importlib.resources.files("tzdata")
    except ModuleNotFoundError:
        listed = list(zoneinfo.available_timezones())
    else:
        listed = package.joinpath("zones").read_text("utf-8").split()
    return frozenset(name for name in listed if len(name) <= _LONGEST_NAME) - _NO_PLACES
