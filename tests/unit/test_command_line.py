"""The command line itself: sections, suggestions, colours, completion, hints with flags."""

import doctest
import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import toolkit.cli
from toolkit.cli import cli, hints
from toolkit.cli.commands import COMMANDS, UNPLACED, load, sections
from toolkit.cli.hints import with_flags
from toolkit.cli.root import Root
from toolkit.core.errors import ConfigError

PROJECT = Path(__file__).parents[2]


# --- sections and suggestions ---------------------------------------------------------------------


def test_every_command_stands_in_one_section_of_the_help() -> None:
    listed = [name for names in sections().values() for name in names]
    assert sorted(listed) == sorted(COMMANDS)
    assert all(sections().values())
    done = CliRunner().invoke(cli, ["--help"])
    assert [f"{title}:" in done.stdout for title in sections()] == [True] * len(sections())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["statsu"], "'status'"),
        (["vali"], "'validate'"),
        (["sched"], "'schedule' or 'schedules'"),
        (["Deploy"], "'deploy'"),
        (["schedules", "dif"], "'diff'"),
        (["image", "psuh"], "'push'"),
        (["local", "advnace"], "'advance'"),
        (["local", "fault", "lst"], "'list'"),
    ],
)
def test_a_wrong_command_is_answered_with_the_right_one(typed: list[str], meant: str) -> None:
    done = CliRunner().invoke(cli, typed)
    assert done.exit_code == 2
    assert f"No such command {typed[-1]!r}. Did you mean {meant}?" in done.stderr


def test_a_command_like_no_other_is_only_refused() -> None:
    done = CliRunner().invoke(cli, ["xyzzy"])
    assert done.exit_code == 2
    assert "No such command 'xyzzy'." in done.stderr
    assert "Did you mean" not in done.stderr


# --- hints keep the flags -------------------------------------------------------------------------


def test_what_takes_no_flag_gets_none() -> None:
    for name in COMMANDS:
        command = load(name)
        if not isinstance(command, click.Group):
            assert (name in UNPLACED) != any(param.name == "local" for param in command.params)


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        ("toolkit deploy", "toolkit deploy --local --config-env eu"),
        ("push it: toolkit image push", "push it: toolkit image push --local --config-env eu"),
        ("toolkit schedules lists them", "toolkit schedules --local --config-env eu lists them"),
        ("toolkit deploy --local", "toolkit deploy --config-env eu --local"),
        ("toolkit deploy --local --config-env x", "toolkit deploy --local --config-env x"),
        ("`toolkit logs A`; `toolkit runs`", None),
        ("start it: toolkit local start", "start it: toolkit local start"),
        ("toolkit diagnose -", "toolkit diagnose -"),
        ("the toolkit deploys", "the toolkit deploys"),
    ],
)
def test_a_hint_goes_where_the_command_went(hint: str, expected: str | None) -> None:
    here = Root()
    here.local, here.config_env = True, "eu"
    if expected is None:
        flags = "--local --config-env eu"
        expected = f"`toolkit logs {flags} A`; `toolkit runs {flags}`"
    assert with_flags(hint, here.flags()) == expected
    assert with_flags(expected, here.flags()) == expected
    assert with_flags(hint, Root().flags()) == hint


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(hints).failed == 0


def test_an_error_on_the_terminal_names_the_flags(capsys: pytest.CaptureFixture[str]) -> None:
    here = Root()
    here.config_env, here.project = "eu", Path("/my project")
    with pytest.raises(SystemExit) as caught:
        toolkit.cli._fail(ConfigError("no stack", hint="deploy it: toolkit deploy"), here)
    assert caught.value.code == 2
    expected = "hint: deploy it: toolkit deploy --config-env eu --project '/my project'\n"
    assert capsys.readouterr().err == f"error: no stack\n{expected}"


# --- colours --------------------------------------------------------------------------------------


def on_a_terminal(*words: str, **env: str) -> str:
    """What a command prints where its output is a terminal."""
    reader, writer = pty.openpty()
    inherited = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", *words],
        stdout=writer,
        stderr=writer,
        cwd=PROJECT,
        env={**inherited, "TERM": "xterm", **env},
        check=False,
    )
    os.close(writer)
    text = b""
    while True:
        try:
            chunk = os.read(reader, 65536)
        except OSError:  # the terminal is closed, and read to its end
            break
        if not chunk:
            break
        text += chunk
    os.close(reader)
    assert done.returncode in (0, 2)
    return text.decode()


@pytest.mark.parametrize("words", [["next", "rate(1 day)"], ["next", "rate(1 days)"]])
def test_colours_are_left_out_where_nobody_wants_them(words: list[str]) -> None:
    assert "\x1b[" in on_a_terminal(*words)
    assert "\x1b[" in on_a_terminal(*words, NO_COLOR="")
    assert "\x1b" not in on_a_terminal(*words, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(*words, TERM="dumb")


# --- completion -----------------------------------------------------------------------------------


def completed(*words: str) -> list[str]:
    here = Root()
    here.project = PROJECT
    *args, incomplete = words
    found = ShellComplete(cli, {"obj": here}, "toolkit", "_TOOLKIT_COMPLETE")
    return [item.value for item in found.get_completions(list(args), incomplete)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("sched",), {"schedule", "schedules"}),
        (("run", "sci"), {"science"}),
        (("run", "stre"), {"stream", "stream-bnb", "stream-btc", "stream-eth"}),
        (("schedule", "stre"), {"stream-bnb", "stream-btc", "stream-eth"}),
        (("logs", "--latest", "wea"), {"weather"}),
        (("ledger", "--schedule", "eco"), {"ecommerce"}),
        (("schedule", "x", "--workload", "s"), {"science", "stream"}),
        (("--config-env", "def"), {"default"}),
        (("deploy", "--config-env", "def"), {"default"}),
        (("completion", ""), {"bash", "zsh", "fish"}),
        (("local", "adv"), {"advance"}),
    ],
)
def test_names_are_completed(words: tuple[str, ...], expected: set[str]) -> None:
    assert set(completed(*words)) == expected


def test_what_cannot_be_read_is_not_completed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("--project", str(tmp_path), "run", "") == []
    assert completed("--project", str(tmp_path), "local", "fault", "add", "") == []
    assert completed("--project", str(tmp_path), "--local", "logs", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_that_installs_completion_prints_a_script(shell: str) -> None:
    line = CliRunner().invoke(cli, ["completion"], env={"SHELL": f"/usr/bin/{shell}"}).stdout
    assert f"toolkit completion {shell}" in line
    script = CliRunner().invoke(cli, ["completion", shell])
    assert script.exit_code == 0
    assert f"_TOOLKIT_COMPLETE={shell}_complete" in script.stdout
