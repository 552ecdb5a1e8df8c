"""One tree of checks for a verdict and for the preflight: how it adds up, and how it looks."""

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from toolkit.cli.render import print_checks
from toolkit.core.checks import Check, Status, worst

ORDER = [Status.OK, Status.WARN, Status.UNKNOWN, Status.FAIL]


@given(st.lists(st.sampled_from(Status)))
def test_the_worst_of_several_is_the_furthest_from_ok(statuses: list[Status]) -> None:
    assert worst(statuses) is ORDER[max((ORDER.index(status) for status in statuses), default=0)]


def test_what_version_01_wrote_for_a_failed_check_can_be_read() -> None:
    assert Status("NG") is Status.FAIL
    with pytest.raises(ValueError, match="good"):
        Status("good")


def test_a_check_shows_its_hint_unless_it_is_ok_and_its_children_below() -> None:
    tree = (
        Check("clock", Status.OK, "right", hint="never shown"),
        Check(
            "queue",
            Status.FAIL,
            "1 of 2",
            (Check("letters", Status.WARN, "3 letters", hint="read them"),),
            hint="look at it",
        ),
    )

    @click.command()
    def show() -> None:
        print_checks(tree)

    assert CliRunner().invoke(show).output.splitlines() == [
        "├─ OK    clock  right",
        "└─ FAIL  queue  1 of 2",
        "         hint: look at it",
        "   └─ WARN  letters  3 letters",
        "            hint: read them",
    ]
