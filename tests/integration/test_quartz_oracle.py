"""Our firings against Quartz 2.3.2: thousands of generated expressions, zones and instants.

Quartz matches wall times as AWS documents them; the driver puts AWS's clock rule around it with
java.time. The generator leaves out where the two differ on purpose: see docs/expressions.md.
"""

from datetime import UTC, datetime
from itertools import islice

import pytest

from tests.quartz import MISSING, ZONES, Generator, ask_quartz
from toolkit.core.expressions.expression import parse

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        MISSING, reason="no Quartz: apt-get install libquartz2-java default-jdk-headless"
    ),
]

SEED = 20261124
EXPRESSIONS, MOMENTS, COUNT = 4000, 3, 8
QUARTZ_ENDS = 2120


def clock_changes():
    """Moments around clock changes of 2026, and the day that Samoa left out."""
    return [
        datetime(2026, 3, 8, 5, tzinfo=UTC),
        datetime(2026, 3, 28, 20, tzinfo=UTC),
        datetime(2026, 4, 4, 10, tzinfo=UTC),
        datetime(2026, 10, 24, 21, tzinfo=UTC),
        datetime(2026, 10, 31, 22, tzinfo=UTC),
        datetime(2011, 12, 29, 10, tzinfo=UTC),
    ]


def questions():
    generator = Generator(SEED)
    for _ in range(EXPRESSIONS):
        fields = generator.expression()
        for _ in range(MOMENTS):
            after = generator.pick([generator.moment(), generator.pick(clock_changes())])
            yield fields, generator.pick(ZONES), after


def test_our_firings_are_those_of_quartz():
    asked = list(questions())
    differences = []
    for (fields, zone, after), theirs in zip(asked, ask_quartz(asked, COUNT), strict=True):
        ours = list(islice(parse(f"cron({fields})").firings(after, zone), COUNT))
        if len(theirs) < COUNT:  # Quartz looks no further than a hundred years ahead
            ours = [time for time in ours if time.year < QUARTZ_ENDS]
            theirs = [time for time in theirs if time.year < QUARTZ_ENDS]
        if ours != theirs:
            differences.append(f"{fields} in {zone} after {after}: {ours} but Quartz {theirs}")
    assert differences == []
