"""Quartz 2.3.2 as an independent oracle: expressions that it shares with AWS, and their firings."""

import random
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from toolkit.core.expressions.cron_fields import DAY_NAMES, MONTH_NAMES

DRIVER = Path(__file__).parent / "integration" / "quartz" / "Firings.java"
JARS = [Path("/usr/share/java") / name for name in ("quartz2.jar", "slf4j-api.jar")]
MISSING = shutil.which("javac") is None or not all(jar.exists() for jar in JARS)
_ZONES = (
    "UTC Europe/Berlin Europe/London Europe/Dublin Africa/Casablanca Africa/Cairo "
    "America/New_York America/Los_Angeles America/St_Johns America/Havana America/Santiago "
    "America/Sao_Paulo America/Nuuk Atlantic/Azores Antarctica/Troll Asia/Kathmandu Asia/Tokyo "
    "Asia/Beirut Asia/Jerusalem Australia/Lord_Howe Australia/Sydney Pacific/Apia "
    "Pacific/Auckland Pacific/Chatham Pacific/Kiritimati Pacific/Kwajalein"
)
ZONES = _ZONES.split()


class Generator:
    """Random expressions of the part of the dialect that Quartz and AWS share."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def expression(self):
        minutes = self.times(0, 59)
        hours = self.times(0, 23)
        month = self.pick(["*"] * 6 + [self.values(1, 12, list(MONTH_NAMES))])
        year = self.pick(["*"] * 6 + [self.years()])
        if self.random.random() < 0.5:
            days = (self.day_of_month(), "?")
        else:
            days = ("?", self.day_of_week())
        return f"{minutes} {hours} {days[0]} {month} {days[1]} {year}"

    def pick(self, options):
        return self.random.choice(options)

    def times(self, low, high):
        return self.pick([str(self.number(low, high))] * 3 + ["*", self.values(low, high)])

    def number(self, low, high):
        return self.random.randint(low, high)

    def values(self, low, high, names=()):
        items = [self.item(low, high, names) for _ in range(self.pick([1, 1, 1, 2, 3]))]
        return ",".join(items)

    def item(self, low, high, names):
        named = bool(names) and self.random.random() < 0.5  # Quartz refuses JAN-5

        def value():
            number = self.number(low, high)
            return names[number - low] if named else str(number)

        step = self.number(1, high - low)
        plain = [value(), f"{value()}-{value()}"]
        # AWS knows no steps in day-of-week, and Quartz ignores them after names.
        if named or names == list(DAY_NAMES):
            return self.pick(plain)
        return self.pick([*plain, f"{value()}/{step}", f"*/{step}", f"{value()}-{value()}/{step}"])

    def day_of_month(self):
        before = self.number(1, 27)
        special = ["L", "LW", f"{self.number(1, 28)}W", f"L-{before}", f"L-{before}W"]
        return self.pick(["*", "*", self.values(1, 31), self.values(1, 31), *special])

    def day_of_week(self):
        day = self.number(1, 7)
        name = self.pick(list(DAY_NAMES))
        special = [f"{day}L", f"{name}L", f"{day}#{self.number(1, 5)}", f"{name}#2", "L"]
        return self.pick(["*", *[self.values(1, 7, list(DAY_NAMES))] * 3, *special])

    def years(self):
        first = self.number(2000, 2060)
        last = first + self.number(0, 40)
        return self.pick([f"{first}-{last}", f"{first},{last}", f"{first}-{last}/3", "2020/4"])

    def moment(self):
        days = self.number(0, 70 * 365)
        return datetime(1999, 12, 31, tzinfo=UTC) + timedelta(
            days=days, minutes=self.number(0, 1439)
        )


def ask_quartz(asked, count):
    lines = [
        f"{fields}\t{zone}\t{after:%Y-%m-%dT%H:%M:%SZ}\t{count}" for fields, zone, after in asked
    ]
    classpath = ":".join(map(str, JARS))
    answer = subprocess.run(
        ["java", "-XX:+UseSerialGC", "-cp", classpath, str(DRIVER)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        [datetime.fromtimestamp(int(second), UTC) for second in line.split(",") if second]
        for line in answer.stdout.splitlines()
    ]
