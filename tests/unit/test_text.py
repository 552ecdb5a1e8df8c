"""What is printed for a person fits their terminal; what a program reads stays as it is."""

import contextlib
import io

import pytest

from toolkit.cli.text import wrapped

WORDS = "the launch was given up because the Scheduler's role may not pass the role of the task"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def forty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def on_screen(text: str, *, indent: int = 0, hang: str | None = None) -> str:
    with contextlib.redirect_stdout(Screen()):
        return wrapped(text, indent=indent, hang=hang)


def test_text_in_a_pipe_is_left_alone() -> None:
    assert wrapped(WORDS, indent=4) == WORDS


def test_no_line_is_longer_than_the_screen_and_no_word_is_lost() -> None:
    lines = (" " * 10 + on_screen(WORDS, indent=10, hang="    ")).split("\n")
    assert len(lines) > 1
    assert max(len(line) for line in lines) <= 40
    assert " ".join(" ".join(lines).split()) == WORDS
    assert all(line.startswith("    ") for line in lines)


@pytest.mark.parametrize(
    "command", ["toolkit logs weather-20261124T050000Z", "`make demo KEEP=1 PYTHON=python3`"]
)
def test_a_command_stays_whole_so_that_it_can_be_pasted(command: str) -> None:
    assert command in on_screen(f"read what it said: {command}; then {WORDS}").split("\n")[1]


def test_lines_that_were_apart_stay_apart() -> None:
    assert on_screen("one\n  two\n\nthree") == "one\n  two\n\nthree"
