"""`toolkit next`: what it prints, what it refuses, and what it does not import."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from toolkit.cli.schedules.next import next_command
from toolkit.core.errors import ConfigError

AFTER = ("--after", "2026-03-27T00:00:00Z")


def call(*arguments, stdin=None, code=0):
    answer = CliRunner().invoke(
        next_command, [*arguments, *AFTER], input=stdin, standalone_mode=False
    )
    if answer.exception:
        raise answer.exception
    assert (answer.return_value or 0) == code
    return answer


def test_it_prints_words_wall_clock_and_utc_and_marks_the_clock_change():
    answer = call("cron(30 2 * * ? *)", "--timezone", "Europe/Berlin", "-n", "3")
    assert answer.stdout.splitlines() == [
        "cron(30 2 * * ? *)",
        "  At 02:30 every day",
        "  Fri 27 Mar 2026 02:30 CET   2026-03-27T01:30:00Z",
        "  Sat 28 Mar 2026 02:30 CET   2026-03-28T01:30:00Z",
        "  Mon 30 Mar 2026 02:30 CEST  2026-03-30T00:30:00Z  clock +1 h",
        "  2026-03-29 02:30 is skipped when the clock is set forward: no firing",
    ]


def test_json_is_a_list_of_iso_strings_in_utc():
    answer = call("cron(0 6 * * ? *)", "--timezone", "Europe/Berlin", "--json", "-n", "2")
    assert json.loads(answer.stdout) == ["2026-03-27T05:00:00Z", "2026-03-28T05:00:00Z"]
    assert json.loads(call("cron(0 6 30 2 ? *)", "--json").stdout) == []


def test_standard_input_is_answered_line_by_line():
    lines = "rate(1 day)\n\nrate(1 days)\r\n cron(0 6 * * ? *)\nat(2026-04-01T00:00:00)\n"
    answer = call("-", "--json", "-n", "1", stdin=lines, code=2)
    assert [json.loads(line) for line in answer.stdout.splitlines()] == [
        ["2026-03-28T00:00:00Z"],
        None,
        None,
        ["2026-04-01T00:00:00Z"],
    ]
    assert "error: line 3: unit 'days'" in answer.stderr
    assert "write rate(1 day)" in answer.stderr
    assert "error: line 4: expression ' cron(0 6 * * ? *)'" in answer.stderr


def test_bytes_that_are_no_text_are_refused_like_any_other_line():
    answer = call("-", "--json", stdin=b"\xff\xfe\nrate(1 day)\n", code=2)
    assert answer.stdout.splitlines()[0] == "null"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", None),
        (" ", None),
        ("cron(0 9 * * 1-5)", "write cron(0 9 ? * MON-FRI *)"),
        ("every day", "write rate(1 day)"),
        ("cron(0 9 1 * 1)", None),
    ],
)
def test_what_aws_refuses_is_one_error_with_what_was_meant(text, hint):
    with pytest.raises(ConfigError) as caught:
        call(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("arguments", "warning"),
    [
        (("cron(0 9 ? * MON-FRI *)",), "no time zone is set"),
        (("at(2020-01-01T00:00:00)", "--timezone", "UTC"), "no firing is left"),
        (("rate(1 hour)",), "counts from the moment of its creation"),
    ],
)
def test_traps_are_warned_of_on_standard_error(arguments, warning):
    assert warning in call(*arguments).stderr
    assert "warning" in call(*arguments, "--json").stderr


def test_a_window_without_firings_says_so():
    assert "no firing" in call("cron(0 6 * * ? *)", "--until", "2026-03-27T01:00:00Z").stdout


def test_it_starts_without_the_heavy_packages():
    script = (
        "import sys; from toolkit.cli import cli\n"
        "cli(['next', 'rate(1 day)'], standalone_mode=False)\n"
        "print(*{'boto3', 'botocore', 'pandas', 'numpy', 'matplotlib', 'tomlkit'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("rate(1 day)")
    assert done.stdout.endswith("Z\n\n")
