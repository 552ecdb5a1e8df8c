"""How a firing looks on a terminal: wall clock, UTC, and what a clock change did to it."""

from datetime import timedelta

from toolkit.core.schedules.firings import LocalFiring

_HOUR = timedelta(hours=1)


def firing_line(firing: LocalFiring) -> str:
    """Such as ``Sun 29 Mar 2026 06:00 CEST  2026-03-29T04:00:00Z  clock +1 h``."""
    local = wall(firing)
    note = f"  clock {hours(firing.clock_change)}" if firing.clock_change else ""
    return f"{local:<26}  {firing.utc:%Y-%m-%dT%H:%M:%SZ}{note}"


def wall(firing: LocalFiring) -> str:
    """A firing on its zone's wall clock."""
    return firing.local.strftime("%a %d %b %Y %H:%M %Z")


def hours(change: timedelta) -> str:
    """Such as ``+1 h`` or ``-30 min``."""
    whole, rest = divmod(abs(change), _HOUR)
    minutes = round(rest / timedelta(minutes=1))
    parts = [f"{whole} h" if whole else "", f"{minutes} min" if minutes else ""]
    return f"{'-' if change < timedelta() else '+'}{' '.join(filter(None, parts)) or '0 min'}"
