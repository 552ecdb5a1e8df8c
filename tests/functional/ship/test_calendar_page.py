"""The calendar of `toolkit ledger --html`: where it is from, and all that is to come."""

import re
from pathlib import Path

from .conftest import Project


def test_the_calendar_shows_every_coming_firing_of_two_weeks_and_the_begun_one(
    shipped: Project, tmp_path: Path
) -> None:
    path = tmp_path / "calendar.html"
    shipped.toolkit("ledger", "--local", "--schedule", "weather", "--html", str(path))
    page = path.read_text()
    assert "embedded AWS" in page[page.index("<header") : page.index("</header>")]
    today = page[page.index('class="day today') :]
    days = re.findall(r'<div class="(day[^"]*)">(.*?)</div>', today, re.DOTALL)[1:]
    assert 14 <= len(days) <= 20
    assert all('class="firing quiet"' in cells for _, cells in days)
    assert "unrecorded" in page


def test_the_calendar_of_a_past_time_shows_nothing_to_come(
    shipped: Project, tmp_path: Path
) -> None:
    path = tmp_path / "calendar.html"
    past = ("--since", "3d", "--until", "2d", "--html", str(path))
    shipped.toolkit("ledger", "--local", "--schedule", "weather", *past)
    assert 'class="firing quiet"' not in path.read_text()
