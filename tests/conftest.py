"""Settings for all tests."""

import os
import signal

import hypothesis
import pytest

from tests.thorough import THOROUGH, examples

# How long an example takes says more of the machine than of the code. In CI, Hypothesis's own
# profile makes it take the same examples each time.
hypothesis.settings.register_profile(
    "all",
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("all")

_LONGEST_ID = 60
_MOST_WORKERS = 8  # each has embedded AWSs of its own, and holds about a gigabyte

# A shell without job control starts what stands before an & with SIGINT ignored, and so would be
# every process that the tests start and then interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-slow", action="store_true", help="skip tests marked slow or container")


def pytest_report_header() -> str:
    """Say how much of what chance decides is tried."""
    return "" if THOROUGH else "properties: a quarter of the examples; `make test SLOW=1` takes all"


@pytest.hookimpl(optionalhook=True)  # of xdist
def pytest_xdist_auto_num_workers() -> int | None:
    """How many processes ``-n auto`` starts: many tests wait for processes of their own."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # xdist reads it
    return min(2 * (os.cpu_count() or 1), _MOST_WORKERS)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long parameters by their place: keys, say, are new in each process of a run."""
    return argname if isinstance(val, str | bytes) and len(val) > _LONGEST_ID else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # In a hook, not in a fixture: pytest then names all tests of one reason in one line.
    left_out = item.get_closest_marker("slow") or item.get_closest_marker("container")
    if item.config.getoption("--no-slow") and left_out:
        pytest.skip(f"{_slow(item)}; `make test SLOW=1` runs it")


def _slow(item: pytest.Item) -> str:
    """What is left out: a test that is marked itself, or the subject of its file."""
    path = item.nodeid.partition("::")[0]
    if any(mark.name == "slow" for mark in item.own_markers):
        return f"{path}: {item.nodeid.partition('::')[2].partition('[')[0]}"
    assert isinstance(item, pytest.Function)
    return f"{path}: {(item.module.__doc__ or '').partition(chr(10))[0].rstrip('.')}"
