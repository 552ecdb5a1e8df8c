"""The calendar of a project's schedules: what fires when, and what may overlap."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from toolkit.adapters.project.project import Project
from toolkit.app.schedules.schedules import calendar
from toolkit.runtime.catalog import load

NOW = datetime(2026, 3, 28, 12, 30, tzinfo=UTC)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "toolkit.toml").write_text(
        '[default]\napp = "app"\n[default.env.stream]\nRUN_SECONDS = "5400"\n'
    )
    (tmp_path / "schedules").mkdir()
    return Project(tmp_path, load())


def write(project, name, expression, timezone="UTC", more=""):
    text = f'expression = "{expression}"\ntimezone = "{timezone}"\n{more}'
    (project.root / "schedules" / f"{name}.toml").write_text(text)


def fires(project, until):
    found = calendar(project, project.config("default"), NOW, until)
    return [(row.run_id, row.overlap) for row in found]


def test_firings_of_all_schedules_come_in_order_with_their_run_ids(project):
    write(project, "weather", "cron(0 6 * * ? *)", "Europe/Berlin")
    write(project, "science", "cron(0 4 ? * SUN *)")
    write(project, "weather-off", "cron(0 6 * * ? *)", more='state = "DISABLED"\n')
    assert fires(project, NOW + timedelta(days=1)) == [
        ("science-20260329T040000Z", None),
        ("weather-20260329T040000Z", None),
    ]


def test_a_stream_longer_than_its_interval_overlaps_also_the_run_before_now(project):
    write(project, "stream", "cron(0 * * * ? *)")
    half = timedelta(minutes=30)
    assert fires(project, NOW + timedelta(hours=2)) == [
        ("stream-20260328T130000Z", half),
        ("stream-20260328T140000Z", half),
    ]


def test_a_schedules_own_setting_lies_over_that_of_toolkit_toml(project):
    write(project, "stream", "cron(0 * * * ? *)", more='[env]\nRUN_SECONDS = "3600"\n')
    assert fires(project, NOW + timedelta(hours=1)) == [("stream-20260328T130000Z", None)]


@pytest.mark.parametrize(("more", "skipped"), [("", False), ('overlap = "skip"\n', True)])
def test_an_overlap_is_skipped_where_the_schedule_says_so(project, more, skipped):
    write(project, "stream", "cron(0 * * * ? *)", more=more)
    write(project, "weather", "cron(0 * * * ? *)", more=more)
    found = calendar(project, project.config("default"), NOW, NOW + timedelta(hours=1))
    assert [(row.schedule, row.skipped) for row in found] == [
        ("stream", skipped),
        ("weather", False),
    ]


@pytest.mark.parametrize(
    ("expression", "more", "assumed"),
    [
        ("rate(1 hour)", "", True),
        ("rate(1 hour)", 'start = "2026-03-28T00:05:00Z"\n', False),
        ("cron(0 * * * ? *)", "", False),
    ],
)
def test_only_the_times_of_a_rate_without_a_start_are_assumed(project, expression, more, assumed):
    write(project, "weather", expression, more=more)
    found = list(calendar(project, project.config("default"), NOW, NOW + timedelta(hours=5)))
    assert len(found) == 5
    assert {row.assumed for row in found} == {assumed}


def test_a_calendar_without_end_is_read_as_far_as_wanted(project):
    write(project, "stream", "cron(* * * * ? *)")
    found = calendar(project, project.config("default"), NOW, datetime(2199, 1, 1, tzinfo=UTC))
    assert len(list(islice(found, 100))) == 100
