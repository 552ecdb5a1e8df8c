"""A plot says where its run took place, so that no rehearsal passes for a run in an account."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from toolkit.core.pages.origin import Origin
from toolkit.runtime.contract import origin_of
from toolkit.runtime.testing import FakeRun
from workloads.plots import note_origin

ROOT = Path(__file__).parents[2]
TASK = "arn:aws:ecs:eu-central-1:{}:task/app/0a"


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        (TASK.format("123456789012"), "AWS region eu-central-1"),
        (TASK.format("000000000000"), "rehearsed on the embedded AWS, with a virtual clock"),
        ("local:4711", ""),
        ("", ""),
        ("arn:aws:ecs", ""),
        ("garbage:" * 9, ""),
    ],
)
def test_a_run_knows_by_its_task_where_it_takes_place(arn: str, words: str) -> None:
    assert origin_of(arn) == words
    assert ("embedded" in words) == Origin.of_task(arn).embedded


def test_a_plot_carries_the_words_and_no_account() -> None:
    figure = Figure()
    note_origin(figure, origin_of(TASK.format("123456789012")))
    assert [text.get_text() for text in figure.texts] == ["AWS region eu-central-1"]
    bare = Figure()
    note_origin(bare, FakeRun(Path()).origin)
    assert bare.texts == []


@pytest.mark.parametrize("figure", sorted((ROOT / "workloads").rglob("*.py")), ids=str)
def test_no_workload_saves_a_figure_that_does_not_say_it(figure: Path) -> None:
    source = figure.read_text("utf-8")
    assert ".savefig(" not in source or "note_origin(figure, origin)" in source
