"""The page about streams names what the code has."""

import re
from pathlib import Path

from toolkit.local.feed.__main__ import _parser
from toolkit.runtime.catalog import load
from workloads.streams import errors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "streams.md").read_text("utf-8")
CODE = "".join(path.read_text("utf-8") for path in (ROOT / "workloads" / "streams").glob("*.py"))


def test_every_setting_and_artifact_is_on_the_page() -> None:
    workload = load().workload("stream")
    names = [v.name for v in workload.variables] + [a.name for a in workload.artifacts]
    assert [name for name in names if name not in PAGE] == []


def test_every_event_that_the_code_logs_is_on_the_page() -> None:
    events = set(re.findall(r'(?:event|_tell)\(\s*"([a-z]+\.[a-z]+)"', CODE))
    assert len(events) == 13
    assert [event for event in events if f"`{event}`" not in PAGE] == []


def test_every_count_and_gate_is_on_the_page() -> None:
    session = (ROOT / "workloads" / "streams" / "session.py").read_text("utf-8")
    counts = {*re.findall(r'"((?:\w+_)?(?:trades|messages|repeats)(?:_\w+)?)":', session)}
    assert len(counts) == 10
    assert [count for count in counts if f"`{count}`" not in PAGE] == []


def test_every_error_is_on_the_page() -> None:
    known = [name for name in vars(errors) if name.endswith("Error") and name != "StreamError"]
    assert len(known) == 6
    assert [name for name in known if f"`{name}`" not in PAGE] == []


def test_every_option_of_the_feed_on_the_page_exists() -> None:
    command = re.findall(r"toolkit\.local\.feed (--[^\n`]*)", PAGE)
    options = {option for line in command for option in re.findall(r"--[a-z-]+", line)}
    assert len(options) > 5
    assert options <= set(_parser()._option_string_actions)
