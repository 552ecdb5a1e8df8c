"""The settings of a workload: URLs, contradictions between variables, and what may be shown."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core.errors import ConfigError
from toolkit.core.schedules.schedule_file import check_settings
from toolkit.runtime.catalog import Catalog, Workload, load
from toolkit.runtime.contract import ContractError
from toolkit.runtime.task import read_task
from toolkit.runtime.urls import hide_credentials

CATALOG = """
[workloads.demo]
summary = "demo"
entry_point = "x:run"
cpu = 256
memory = 512
max_runtime_seconds = 60
rules = [
    { holds = "LOW < HIGH", meaning = "low is below high" },
    { holds = "HIGH <= 2.5 * LIMIT", meaning = "high is limited" },
    { when = { KIND = ["a", "b"], LIMIT = 9 }, matches = { URL = "https:.*" }, meaning = "TLS!" },
    { when = { KIND = "c" }, differs = { URL = "https:.*" }, meaning = "c has no TLS" },
]
[workloads.demo.variables]
LOW = { type = "int", default = 1, meaning = "low" }
HIGH = { type = "float", default = 2, meaning = "high" }
LIMIT = { type = "int", default = 9, meaning = "limit" }
KIND = { type = "str", default = "d", choices = ["a", "b", "c", "d"], meaning = "kind" }
URL = { type = "url", default = "http://h", meaning = "where" }
"""


def demo(text: str = CATALOG) -> Workload:
    return Catalog.parse(text).workload("demo")


def problems(environment: dict[str, str], workload: Workload | None = None) -> list[str]:
    try:
        (workload or demo()).settings(environment)
    except ContractError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, []),
        ({"LOW": "2"}, ["LOW=2, HIGH=2 contradict each other: LOW < HIGH: low is below high"]),
        ({"HIGH": "22.5"}, []),
        ({"HIGH": "22.6"}, ["HIGH=22.6, LIMIT=9 contradict"]),
        ({"KIND": "a"}, ["KIND=a, LIMIT=9, URL=http://h contradict each other: TLS!"]),
        ({"KIND": "a", "URL": "https://h"}, []),
        ({"KIND": "b", "LIMIT": "8"}, []),
        ({"KIND": "c"}, []),
        ({"KIND": "c", "URL": "https://h"}, ["c has no TLS"]),
        ({"LOW": "3", "KIND": "a"}, ["LOW=3", "KIND=a"]),
        ({"LOW": "x", "HIGH": "0", "KIND": "a"}, ["LOW='x' is not", "KIND=a"]),
        ({"LOW": "9", "HIGH": "nan", "URL": "h"}, ["HIGH='nan' is not", "URL='h' does not begin"]),
    ],
)
def test_contradictions_are_reported_all_at_once_beside_bad_values(
    environment: dict[str, str], told: list[str]
) -> None:
    found = problems(environment)
    assert len(found) == len(told)
    assert all(part in line for part, line in zip(told, found, strict=True))


@pytest.mark.parametrize(
    "rule",
    [
        '{ holds = "LOW = HIGH", meaning = "m" }',
        '{ holds = "LOW < 5", meaning = "m" }',
        '{ holds = "LOW < HIGHT", meaning = "m" }',
        '{ holds = "HIGH < LOW", meaning = "the defaults contradict it" }',
        '{ when = { KIND = "d" }, meaning = "m" }',
        '{ when = { KIND = "d" }, matches = { URL = "(" }, meaning = "m" }',
        '{ holds = "LOW < HIGH", matches = { URL = "x" }, meaning = "m" }',
        '{ holds = "LOW < HIGH" }',
        '{ holds = "LOW < HIGH", meaning = "m", colour = "red" }',
    ],
)
def test_a_rule_that_could_not_be_judged_is_refused_with_the_catalog(rule: str) -> None:
    text = re.sub(r"rules = \[.*?\]\n\[", f"rules = [{rule}]\n[", CATALOG, flags=re.DOTALL)
    assert rule in text
    with pytest.raises(ContractError, match=r"catalog\.toml, workload demo"):
        demo(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://h", "https://h:1/a?b=c#d", "http://[::1]:80/", "http://bücher.example/x",
        "https://h/{station}.csv", "http://a_b.c", "HTTP://H",
    ],
)  # fmt: skip
def test_a_usable_url_is_taken(url: str) -> None:
    assert problems({"URL": url}) == []


@pytest.mark.parametrize(
    "url",
    [
        "", "h", "http:h", "http:/h", "http://", "http://:80", "ftp://h", "ws://h", "http://h:port",
        "http://h:99999", "http://h:0", "http://h:", "http://a b", " http://h", "http://h\n",
        "http://h\x00", "http://h\u200b", "http://a..b", "http://" + "a" * 64, "http://[::1",
        "http://me@h", "http://me:pw@h", "//h",
    ],
)  # fmt: skip
def test_a_url_that_nothing_could_open_is_one_clear_problem(url: str) -> None:
    [problem] = problems({"URL": url})
    assert problem.startswith("URL=")
    assert "pw" not in problem


NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.integers(300, 5000).map(lambda size: "9" * size),
    st.text(max_size=8),
    st.sampled_from(
        ["1_000", " 5", "5\n", "\u0661\u0662", "+5", "-0", "1e3", "0x10", "1e999", "."]
    ),
)
ANY = {variable.name: NUMBERS for variable in load().workload("stream").variables}


@given(st.fixed_dictionaries({}, optional=ANY))
def test_whatever_the_settings_are_they_are_typed_or_refused_with_a_line_each(
    environment: dict[str, str],
) -> None:
    stream = load().workload("stream")
    found = problems(environment, stream)
    # A line each: repr() keeps the line breaks of a value inside its own.
    assert len(found) <= len(environment) + len(stream.rules)
    if found:
        return
    values = stream.settings(environment)
    for variable in stream.variables:
        value = values[variable.name.lower()]
        assert type(value).__name__ == {"url": "str"}.get(variable.type, variable.type)
        if isinstance(value, (int, float)):
            assert math.isfinite(float(value))


@pytest.mark.parametrize("text", ["1_000", " 5", "5 ", "\u0661", "5\n", "9" * 400, "", "5.0"])
def test_a_whole_number_is_plain_digits_of_a_size_that_everything_can_take(text: str) -> None:
    [problem] = problems({"LIMIT": text})
    assert problem.startswith("LIMIT=")
    assert len(problem) < 500


WORDS = st.text("abcXYZ019._~-!$*+%", min_size=4, max_size=12)


@given(WORDS, WORDS, st.sampled_from(["https", "ws", "wss", "http"]), st.integers(0, 3))
def test_no_password_and_no_token_of_a_url_is_shown(
    user: str, password: str, scheme: str, form: int
) -> None:
    user, password = f"u{user}Q", f"p{password}Q"
    url = (
        f"{scheme}://{user}:{password}@h.example/a",
        f"{scheme}://{user}@h.example:80",
        f"{scheme}://h.example/a?day=1&access_token={password}&X-Amz-Signature={user}",
        f"{scheme}://h.example?apikey={password}#x",
    )[form]
    shown = hide_credentials(f"GET {url} failed: bnbusdt@trade, see https://example.org/@me")
    assert user not in shown
    assert password not in shown
    assert "h.example" in shown
    assert shown.endswith("failed: bnbusdt@trade, see https://example.org/@me")
    assert hide_credentials(shown) == shown


TASK = {
    "WORKLOAD": "demo",
    "SCHEDULE": "demo",
    "SCHEDULED_TIME": "2026-11-24T05:00:00Z",
    "BUCKET": "file:///tmp/b",
}


def test_what_a_run_shows_of_its_settings_holds_no_credentials() -> None:
    url = "https://h/a?token=hunter2&day=1"
    task = read_task(TASK | {"URL": url}, Catalog.parse(CATALOG))
    assert task.settings["url"] == url
    hidden = "https://h/a?token=(redacted)&day=1"
    assert (task.shown_settings["url"], task.environment["URL"]) == (hidden, hidden)
    assert task.redacted({"a": [f"tried {url}", 1, None]}) == {"a": [f"tried {hidden}", 1, None]}


def test_a_contradiction_is_a_configuration_error_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match=r"schedules/x\.toml: the environment") as error:
        check_settings(
            "schedules/x.toml", load().workload("stream"), {"FEED": "recorded", "SYMBOL": "?"}
        )
    assert "SYMBOL='?' does not match" in str(error.value)
    assert "set FEED to binance" in str(error.value)
