"""`toolkit local`: the embedded AWS of this project."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from toolkit.app import local
from toolkit.cli.completing import fault_kinds, schedules
from toolkit.cli.groups import SuggestingGroup
from toolkit.cli.options import Times, timezone_option
from toolkit.cli.root import Root, pass_root, project_option
from toolkit.cli.text import cells

_COLUMN = 11  # where the second column of the status begins
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("local", cls=SuggestingGroup)
@project_option
@click.pass_context
@pass_root
def local_command(root: Root, context: click.Context, /) -> None:
    """Control the embedded AWS: start, stop, time, faults.

    It is an emulator with a Scheduler and a Fargate of its own, one per project, on this machine
    only. Its clock is virtual: `advance` lets firings happen.
    """
    context.obj = local.root_of(root.project)


@local_command.command()
@_json
@click.option("--region", help="The region it names first.  [default: that of toolkit.toml]")
@click.option("--while-pid", type=int, metavar="PID", help="End it when that process ends.")
@click.pass_obj
def start(root: Path, *, as_json: bool, region: str | None, while_pid: int | None) -> None:
    """Start it, if it does not run yet; the first time it installs the emulator."""
    info = local.start(root, _progress, region=region, while_pid=while_pid)
    where = {"endpoint_url": info.endpoint_url, "region": info.region, "pid": info.pid}
    _print(where, [f"AWS_ENDPOINT_URL={info.endpoint_url}"], as_json=as_json)


@local_command.command()
@_json
@click.pass_obj
def stop(root: Path, *, as_json: bool) -> None:
    """End it, with its tasks."""
    stopped = local.stop(root)
    words = "stopped" if stopped else "it was not running"
    _print({"stopped": stopped}, [words], as_json=as_json)


@local_command.command()
@_json
@click.pass_obj
def status(root: Path, *, as_json: bool) -> None:
    """What runs, what time it is there, and what fires next."""
    found = local.status(root)
    _print(found, local.describe_status(found), as_json=as_json)


@local_command.command("env")
@_json
@click.pass_obj
def print_environment(root: Path, *, as_json: bool) -> None:
    """Print what other AWS clients need: eval "$(toolkit local env)"."""
    found = local.variables(root)
    _print(found, local.describe_variables(found), as_json=as_json)


@local_command.command()
@click.argument("name", shell_complete=schedules)
@click.option("--twice", is_flag=True, help="Deliver it twice, as Scheduler may.")
@click.option("--scheduled-time", metavar="TIME", help="Which firing.  [default: the next one]")
@timezone_option
@_json
@click.pass_obj
def fire(
    root: Path,
    name: str,
    *,
    twice: bool,
    scheduled_time: str | None,
    timezone: str | None,
    as_json: bool,
) -> None:
    """Deliver a firing of the schedule NAME now."""
    due = None
    if scheduled_time is not None:
        times = Times(local.now(root), timezone)
        due = times.read("--scheduled-time", scheduled_time, ahead=True)
    _print_events(local.fire(root, name, twice=twice, scheduled_time=due), as_json=as_json)


@local_command.command()
@click.argument("where", metavar="DURATION|TIME", required=False)
@click.option("--until", metavar="TIME", help="The same as TIME.")
@timezone_option
@click.option(
    "--speed", metavar="N", help="Let the clock run this fast, such as 60x, instead of jumping."
)
@click.option("--parallel", type=click.IntRange(min=1), help="How many tasks may run at once.")
@_json
@click.pass_obj
def advance(
    root: Path,
    where: str | None,
    *,
    until: str | None,
    timezone: str | None,
    speed: str | None,
    parallel: int | None,
    as_json: bool,
) -> None:
    """Move the clock by 7d or 1h30m, or until "tomorrow 06:00", firing by firing.

    Every firing on the way is delivered and its task really runs, at its own time.
    """
    if (where is None) == (until is None):
        raise click.UsageError("give a duration such as 7d, or a time")
    pace = local.read_speed(speed) if speed else None
    times = Times(local.now(root), timezone)
    target = times.read("to" if until is None else "--until", where or until or "", ahead=True)
    try:
        _print_events(local.advance(root, target, speed=pace, parallel=parallel), as_json=as_json)
    except KeyboardInterrupt:
        # What was delivered so far stays; the clock stands where the last firing left it.
        click.echo(f"\ninterrupted: it is {local.now(root):%Y-%m-%dT%H:%M:%SZ} there", err=True)
        raise


@local_command.group(cls=SuggestingGroup)
def fault() -> None:
    """Let things go wrong on purpose: add, list and clear faults."""


@fault.command()
@click.argument("kind", shell_complete=fault_kinds)
@click.option(
    "--schedule", metavar="NAME", shell_complete=schedules, help="Only for runs of this schedule."
)
@click.option("--service", metavar="NAME", help="Only calls of this service, such as s3.")
@click.option("--times", type=click.IntRange(min=1), help="How many times; without it, always.")
@click.option(
    "--value", type=float, metavar="SECONDS", help="Its seconds (or vCPUs): see `fault kinds`."
)
@click.pass_obj
def add(
    root: Path,
    kind: str,
    *,
    schedule: str | None,
    service: str | None,
    times: int | None,
    value: float | None,
) -> None:
    """Add a fault of a KIND; `toolkit local fault kinds` lists them."""
    local.add_fault(root, kind, schedule=schedule, service=service, times=times, value=value)
    _print({}, local.describe_faults(local.faults(root)), as_json=False)


@fault.command("list")
@_json
@click.pass_obj
def list_faults(root: Path, *, as_json: bool) -> None:
    """The faults that may still strike."""
    found = local.faults(root)
    _print({"faults": found["faults"]}, local.describe_faults(found), as_json=as_json)


@fault.command()
@_json
@click.pass_obj
def kinds(root: Path, *, as_json: bool) -> None:
    """What can go wrong."""
    found = local.faults(root)
    _print({"kinds": found["kinds"]}, local.describe_fault_kinds(found), as_json=as_json)


@fault.command()
@click.pass_obj
def clear(root: Path) -> None:
    """Let all go well again."""
    local.clear_faults(root)


@local_command.command()
@click.confirmation_option("--yes", prompt="Wipe everything deployed and stored in it?")
@_json
@click.pass_obj
def reset(root: Path, *, as_json: bool) -> None:
    """Wipe what was deployed, stored and run, and set the clock back to real time."""
    local.reset(root)
    _print({"reset": True}, ["wiped"], as_json=as_json)


def _print(document: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(document, indent=1))
        return
    for line in lines:
        click.echo(cells(*line.split("  "), hang=_COLUMN))


def _print_events(events: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    for event in events:
        click.echo(json.dumps(event) if as_json else local.describe_event(event))


def _progress(message: str) -> None:
    click.echo(message, err=True)
