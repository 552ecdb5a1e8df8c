"""What a shell may complete: names of this project, and runs of the app.

Pressing TAB must neither fail nor start anything: what cannot be read is not completed.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import click

_RECENT_DAYS = 7

_Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _quiet(names: Callable[[click.Context], Iterable[str]]) -> _Complete:
    """The names that begin as typed; none where anything goes wrong."""

    @wraps(names)
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        try:
            return [name for name in names(ctx) if name.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - a shell has no place for an error
            return []

    return complete


def _project(ctx: click.Context) -> Any:
    from toolkit.app.opening import open_project

    return open_project(ctx.find_root().obj.project)


@_quiet
def schedules(ctx: click.Context) -> Iterable[str]:
    """The schedules that have a file."""
    return sorted(_project(ctx).schedule_names())


@_quiet
def workloads(ctx: click.Context) -> Iterable[str]:
    """The workloads of the catalog."""
    return sorted(_project(ctx).catalog.workloads)


@_quiet
def runnable(ctx: click.Context) -> Iterable[str]:
    """Schedules and workloads."""
    project = _project(ctx)
    return sorted({*project.schedule_names(), *project.catalog.workloads})


@_quiet
def environments(ctx: click.Context) -> Iterable[str]:
    """The environments of toolkit.toml."""
    import tomllib

    return sorted(tomllib.loads(_project(ctx).config_text()))


@_quiet
def fault_kinds(ctx: click.Context) -> Iterable[str]:
    """What can go wrong on the embedded AWS, while it runs."""
    from toolkit.app import local

    return sorted(local.faults(local.root_of(ctx.find_root().obj.project))["kinds"])


@_quiet
def run_ids(ctx: click.Context) -> Iterable[str]:
    """The runs of the last week, the latest first; the embedded AWS is not started for them."""
    from datetime import timedelta

    from toolkit.app import local
    from toolkit.app.proof import status

    root = ctx.find_root().obj
    if root.local and not local.status(local.root_of(root.project))["running"]:
        return []
    since = root.app.now() - timedelta(days=_RECENT_DAYS)
    return [str(run.run_id) for run in status.runs(root.app, since, (), None)]
