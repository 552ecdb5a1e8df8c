"""Every command in the documentation is run by a test, or exists with its options.

Commands stand in blocks marked `console` (lines that begin with a dollar sign, and what they print)
or `sh` (lines to paste).
"""

import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from attrs import frozen

from toolkit.cli import cli
from toolkit.core.proof.verdict import judge

from .test_verdict import GOOD, LATER

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "evidence" / "README.md",
    ROOT / "image" / "README.md",
]
# Pages whose commands a test types as they stand.
RUN_BY = {
    "docs/getting-started.md": "tests/functional/wheel/test_tutorial.py",
    "docs/adding-a-workload.md": "tests/functional/test_adding_a_workload.py",
    "docs/guides/own-program.md": "tests/functional/test_own_program.py",
}
# Pages whose commands a test types with `--local`, and with the names of its own project.
WITH_LOCAL = "tests/functional/test_docs_pages.py"
ON_EMBEDDED_AWS = (
    "docs/guides/incident.md",
    "docs/guides/backfill.md",
    "docs/guides/cost.md",
    "docs/guides/site.md",
    "docs/guides/continuous-integration.md",
    "docs/schedules.md",
    "docs/audit.md",
    "docs/proof.md",
    "docs/operating.md",
    "docs/guides/environments.md",
    "docs/guides/pause.md",
    "README.md",
    "docs/guides/adopting.md",
    "docs/guides/secrets.md",
    "docs/deploying.md",
)
# Why the other pages' commands are checked against the command line, and not run.
NOT_RUN = {
    "docs/aws.md": "needs AWS's emulator",
    "docs/benchmarks-weather.md": "minutes of CPU; figures are of a quiet machine",
    "docs/dependencies.md": "needs a package index and Docker; test_image_lock_command.py",
    "docs/ecommerce.md": "needs a reader's own file; test_ecommerce_own.py",
    "docs/local.md": "tests/functional/local runs each of them",
    "docs/reference/events.md": "needs an account",
    "docs/security.md": "these targets install their tools; CI runs `make policies`",
    "docs/streams.md": "needs an exchange, or minutes; test_feed_stream.py",
    "evidence/README.md": "`make evidence` takes two hours; what judges the folders is run below",
    "image/README.md": "needs Docker; tests/container",
}
# Programs that are not ours: their options are not checked.
OF_OTHERS = {"aws", "cd", "docker", "echo", "export", "jq", "openssl", "pip", "set", "sh", "sudo"}


@frozen
class Block:
    """A fenced block of a page, and the line that it begins in."""

    page: str
    line: int
    kind: str
    text: str


def blocks() -> Iterator[Block]:
    for path in PAGES:
        page, start, kind, lines = str(path.relative_to(ROOT)), 0, "", []
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            fence = re.fullmatch(r"\s*```(.*)", line)
            if fence and not start:
                start, kind, lines = number, fence[1], []
            elif fence:
                yield Block(page, start, kind, textwrap.dedent("\n".join(lines)))
                start = 0
            else:
                lines.append(line)


def typed(block: Block) -> list[str]:
    """The command lines of a block, continued lines joined."""
    joined = re.sub(r"\\\n\s*", "", block.text)
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    if block.kind == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return lines


def commands(line: str) -> Iterator[list[str]]:
    """The simple commands of a line, without redirections and variables before them."""
    inner = re.findall(r'"\$\(([^)]*)\)"', line)
    for text in [re.sub(r'"\$\([^)]*\)"', "X", line), *inner]:
        lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;"):
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words.pop(0)
                if words:
                    yield words
                words = []
            else:
                words.append(word)


def problem(words: list[str]) -> str | None:
    """What is wrong with a command, None if it exists with all of its options."""
    program, *arguments = words
    program = program.removeprefix(".venv/bin/")
    if program == "toolkit":
        return toolkit_problem(arguments)
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        names = [word for word in arguments if "=" not in word]
        return None if set(names) <= {*targets} else "no such target"
    if program in ("python", "python3"):
        if arguments[0] == "-m":
            return None if find_spec(arguments[1]) else "no such module"
        return None if (ROOT / arguments[0]).is_file() else "no such file"
    if program == "eval":
        return None
    return None if program in {*OF_OTHERS, "pytest", "source", "git"} else "no such program"


def toolkit_problem(arguments: list[str]) -> str | None:
    command: click.Command = cli
    context = click.Context(cli, info_name="toolkit")
    try:
        while isinstance(command, click.Group):
            before, arguments = command.make_parser(context).parse_args(list(arguments))[0:2]
            if not arguments:
                return None if command is cli or command.invoke_without_command else "no command"
            if command.invoke_without_command and "help" in before:
                return None
            name, *arguments = arguments
            found = command.get_command(context, name)
            if found is None:
                return f"no such command {name}"
            command = found
            context = click.Context(command, info_name=name, parent=context)
        _, left, _ = command.make_parser(context).parse_args(list(arguments))
    except click.UsageError as error:
        return error.format_message()
    taken = sum(1 for p in command.params if isinstance(p, click.Argument))
    return "too many arguments" if left and taken == 0 else None


def asks(words: list[str]) -> bool:
    """Whether this command of the toolkit asks before it changes something."""
    command: click.Command | None = cli
    for word in words:
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), word)
    return command is not None and any("--yes" in option.opts for option in command.params)


BLOCKS = list(blocks())
WITH_COMMANDS = [block for block in BLOCKS if block.kind in ("console", "sh")]
EXAMPLES = [
    (block.page, *example)
    for block in BLOCKS
    for example in re.findall(r"(?m)^\$ toolkit (next .+)\n((?:(?!\$ ).*(?:\n|\Z))+)", block.text)
    if block.kind == "console"
]


def test_every_block_says_what_it_is() -> None:
    """So that no command hides in a block that nothing checks."""
    assert [f"{block.page}:{block.line}" for block in BLOCKS if not block.kind] == []
    hidden = re.compile(r"(?m)^\$ |^toolkit [a-z]")
    assert [
        f"{block.page}:{block.line}"
        for block in BLOCKS
        if block.kind == "text" and hidden.search(block.text)
    ] == []


@pytest.mark.parametrize("block", WITH_COMMANDS, ids=lambda block: f"{block.page}:{block.line}")
def test_every_command_exists_with_its_options(block: Block) -> None:
    if block.text.startswith("#!"):
        return  # a script of the reader's, which the page's own test runs
    lines = typed(block)
    assert lines
    for line in lines:
        for words in commands(line):
            assert problem(words) is None, (line, problem(words))


def test_every_page_is_run_by_a_test_or_says_why_not() -> None:
    pages = {
        block.page
        for block in WITH_COMMANDS
        if not all(line.startswith("toolkit next ") for line in typed(block))
    }
    run = [*RUN_BY, *ON_EMBEDDED_AWS]
    assert len({*run, *NOT_RUN}) == len(run) + len(NOT_RUN)
    assert pages - {*run, *NOT_RUN} == set()
    assert {*run, *NOT_RUN} - pages == set()
    assert all((ROOT / test).is_file() for test in (*RUN_BY.values(), WITH_LOCAL))
    named = re.findall(r"\S*test\S*\.py|tests/[\w/]+", " ".join(NOT_RUN.values()))
    assert [name for name in named if not [*ROOT.glob(f"tests/**/{Path(name).name}")]] == []


def test_the_first_minutes_of_the_readme_are_those_of_the_tutorial() -> None:
    """Which a test types."""
    tutorial = {line for b in BLOCKS if b.page == "docs/getting-started.md" for line in typed(b)}
    (first,) = [b for b in BLOCKS if b.page == "README.md" and "toolkit init" in b.text]
    lines = [re.sub(r"\s+#.*", "", line) for line in typed(first)]
    assert [line for line in lines if line not in tutorial] == []


def test_the_verdict_in_the_readme_has_the_checks_of_a_verdict() -> None:
    shown = re.findall(r"[├└]─ OK  (\w+) ", (ROOT / "README.md").read_text())
    checks = judge(GOOD, LATER).checks
    assert {check.status for check in checks} == {"OK"}
    assert shown == [check.name for check in checks]


def test_only_commands_that_change_something_ask() -> None:
    assert asks(["deploy", "--only", "weather"])
    assert asks(["schedules", "apply"])
    assert not asks(["ledger", "--since", "2d"])


def kept() -> list[str]:
    """The commands of evidence/README.md that judge a folder; an ellipsis stands for its rest."""
    lines = [
        line for block in BLOCKS if block.page == "evidence/README.md" for line in typed(block)
    ]
    found = [line for line in lines if line.startswith("toolkit validate")]
    for folder in re.findall(r"(\S+)…", " ".join(found)):
        (name,) = ROOT.glob(f"{folder}*Z")
        found = [line.replace(f"{folder}…", str(name)) for line in found]
    return found


@pytest.mark.parametrize("line", kept())
def test_the_kept_runs_are_proved_as_their_page_says(line: str) -> None:
    arguments = [sys.executable, "-m", *shlex.split(line)]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("PASS")


def test_both_ways_to_judge_a_kept_run_are_tried() -> None:
    assert sorted("--key" in line for line in kept()) == [False, True]


@pytest.mark.parametrize(("page", "command", "shown"), EXAMPLES)
def test_an_example_of_next_prints_what_the_page_shows(page: str, command: str, shown: str) -> None:
    arguments = [sys.executable, "-m", "toolkit", *shlex.split(command)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (done.stdout + done.stderr).strip() == shown.strip()


def test_there_are_examples_of_next() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("toolkit deploy --no-such-option", "No such option"),
        ("toolkit no-such-command", "no such command"),
        ("toolkit local no-such-command", "no such command"),
        ("toolkit status weather", "too many arguments"),
        ("toolkit status | no-such-program", "no such program"),
        ("make no-such-target", "no such target"),
        ("python benchmarks/no_such_file.py", "no such file"),
        ("A=1 python -m toolkit.no_such_module", "no such module"),
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str, wrong: str) -> None:
    found = [problem(words) for words in commands(line)]
    assert any(wrong in (each or "") for each in found)
