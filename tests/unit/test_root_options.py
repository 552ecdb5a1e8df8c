"""The shared options: before the command, behind it, or from the environment; and `--debug`."""

import http.server
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from toolkit.adapters.aws.session import Aws, Endpoint
from toolkit.cli import cli
from toolkit.cli.commands import COMMANDS
from toolkit.cli.root import Root, aws_options, pass_root
from toolkit.core.calls import AwsCall

GIVEN = ["--local", "--config-env", "berlin", "--project", "/", "--debug"]
BROKEN = """
import sys, types, click
import toolkit.cli as cli
from toolkit.cli.commands import COMMANDS, CommandEntry

module = types.ModuleType("toolkit.cli.broken")

@click.command("broken")
def broken_command():
    {}["nothing\\n  of the sort"]

module.broken_command = broken_command
sys.modules["toolkit.cli.broken"] = module
COMMANDS["broken"] = CommandEntry("broken", "It breaks.")
cli.main()
"""


@click.group()
@aws_options
def toolkit() -> None:
    pass


@toolkit.command()
@aws_options
@pass_root
def show(root: Root) -> None:
    click.echo(f"{root.project} {root.config_env} {root.local} {root.debug}")


def shown(*words: str, **env: str) -> str:
    done = CliRunner().invoke(toolkit, words, env=env, obj=Root())
    assert done.exit_code == 0, done.output
    return done.output.strip()


@pytest.mark.parametrize("cut", [0, 1, 3, 5, 6])
def test_an_option_means_the_same_before_the_command_and_behind_it(cut: int) -> None:
    assert shown(*GIVEN[:cut], "show", *GIVEN[cut:]) == "/ berlin True True"


def test_what_stands_behind_the_command_goes_before_what_stands_in_front() -> None:
    assert shown("--config-env", "a", "show", "--config-env", "b") == ". b False False"


def test_what_is_typed_anywhere_goes_before_the_environment() -> None:
    env = {"TOOLKIT_CONFIG_ENV": "env", "TOOLKIT_LOCAL": "1"}
    assert shown("show", **env) == ". env True False"
    assert shown("--config-env", "a", "show", **env) == ". a True False"
    assert shown("show", "--config-env", "b", **env) == ". b True False"


def test_a_command_without_a_root_of_its_own_has_one() -> None:
    assert CliRunner().invoke(show, ["--local"]).output == ". None True False\n"


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield path
        return
    for name in command.list_commands(click.Context(command)):
        child = command.get_command(click.Context(command), name)
        assert child is not None
        yield from leaves(child, (*path, name))


@pytest.mark.parametrize("path", list(leaves(cli)), ids=" ".join)
def test_every_command_has_its_help_behind_the_shared_options(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, ["--local", *path, "--help"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Usage: ")


def test_the_root_takes_the_same_options_as_its_commands() -> None:
    own = {option for option in cli.params if option.name in {"project", "local", "debug"}}
    assert len(own) == 3
    status = cli.get_command(click.Context(cli), "status")
    assert status is not None
    names = {option.name for option in status.params}
    assert {option.name for option in own} <= names
    assert "status" in COMMANDS


class Flaky(http.server.BaseHTTPRequestHandler):
    """CloudWatch Logs that is overloaded once, and then has no log groups."""

    answers = iter(((503, b"{}"), (200, b'{"logGroups": []}'), (400, b'{"__type": "Denied"}')))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = next(self.answers)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_every_call_is_told_once_with_its_retries_and_its_error() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flaky)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    calls: list[AwsCall] = []
    url = f"http://127.0.0.1:{server.server_port}"
    logs = Aws(Endpoint("us-east-1", url, "test", "test"), calls.append).client("logs")
    logs.describe_log_groups()
    with pytest.raises(Exception, match="Denied"):
        logs.describe_log_groups()
    server.shutdown()
    server.server_close()
    told = [(call.service, call.operation, call.retries, call.error) for call in calls]
    assert told == [
        ("logs", "DescribeLogGroups", 1, ""),
        ("logs", "DescribeLogGroups", 0, "Denied"),
    ]
    assert all(call.seconds > 0 for call in calls)


def test_a_call_is_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Root().show_call(AwsCall("s3", "ListObjectsV2", 0.0124, 0))
    Root().show_call(AwsCall("s3", "HeadObject", 1.5, 1, "404"))
    assert capsys.readouterr().err.splitlines() == [
        "s3.ListObjectsV2 12 ms, 0 retries",
        "s3.HeadObject 1500 ms, 1 retry, 404",
    ]


@pytest.mark.parametrize("debug", [False, True])
def test_an_unexpected_error_is_a_line_and_exit_code_3(debug: bool) -> None:
    words = ["--debug", "broken"] if debug else ["broken"]
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, *words],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 3
    assert ("Traceback" in done.stderr) is debug
    lines = done.stderr.splitlines()
    if debug:
        assert lines[-1].startswith("error: unexpected KeyError")
    else:
        assert re.fullmatch(r"error: unexpected KeyError: 'nothing.* of the sort'", lines[0])
        assert lines[1].startswith("hint: ")
        assert "toolkit --debug" in lines[1]
        assert len(lines) == 2
