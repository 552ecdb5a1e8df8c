"""`toolkit local`: the embedded AWS of this project."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from toolkit.actions import local as actions

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def local() -> None:
    """The embedded AWS: an emulator with a Scheduler and a Fargate of its own.

    One per project, on this machine only. Its clock is virtual: `advance` lets firings happen.
    """


@local.command()
@_json
@click.option("--region", default="us-east-1", show_default=True, help="The region it plays.")
def start(*, as_json: bool, region: str) -> None:
    """Start it, if it does not run yet; the first time it installs the emulator."""
    info = actions.start(Path.cwd(), _progress, region=region)
    where = {"endpoint_url": info.endpoint_url, "region": info.region, "pid": info.pid}
    _print(where, [f"AWS_ENDPOINT_URL={info.endpoint_url}"], as_json=as_json)


@local.command()
@_json
def stop(*, as_json: bool) -> None:
    """End it, with its tasks."""
    stopped = actions.stop(Path.cwd())
    words = "stopped" if stopped else "it was not running"
    _print({"stopped": stopped}, [words], as_json=as_json)


@local.command()
@_json
def status(*, as_json: bool) -> None:
    """What runs, what time it is there, and what fires next."""
    found = actions.status(Path.cwd())
    _print(found, actions.describe_status(found), as_json=as_json)


@local.command()
@click.argument("name")
@click.option("--twice", is_flag=True, help="Deliver it twice, as Scheduler may.")
@click.option("--scheduled-time", help="Which firing, in ISO 8601; the next one if left out.")
@_json
def fire(name: str, *, twice: bool, scheduled_time: str | None, as_json: bool) -> None:
    """Deliver a firing of the schedule NAME now."""
    _print_events(
        actions.fire(Path.cwd(), name, twice=twice, scheduled_time=scheduled_time), as_json=as_json
    )


@local.command()
@click.argument("where", metavar="DURATION|TIME")
@_json
def advance(where: str, *, as_json: bool) -> None:
    """Move the clock by 7d or 1h30m, or until 2026-11-24T05:00:00Z, firing by firing.

    Every firing on the way is delivered and its task really runs, at its own time.
    """
    _print_events(actions.advance(Path.cwd(), where), as_json=as_json)


@local.command()
@click.confirmation_option("--yes", prompt="Wipe everything deployed and stored in it?")
@_json
def reset(*, as_json: bool) -> None:
    """Wipe what was deployed, stored and run, and set the clock back to real time."""
    actions.reset(Path.cwd())
    _print({"reset": True}, ["wiped"], as_json=as_json)


def _print(document: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    click.echo(json.dumps(document, indent=1) if as_json else "\n".join(lines))


def _print_events(events: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    for event in events:
        click.echo(json.dumps(event) if as_json else actions.describe_event(event))


def _progress(message: str) -> None:
    click.echo(message, err=True)
