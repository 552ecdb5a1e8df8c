"""`toolkit workloads`."""

import shlex
from collections.abc import Iterator

import click

from toolkit.app.workloads import ScheduledWorkload, listed
from toolkit.cli.options import json_option
from toolkit.cli.render import print_json
from toolkit.cli.root import Root, pass_root, project_option
from toolkit.cli.text import wrapped
from toolkit.runtime.variable import Variable


@click.command("workloads")
@click.argument("name", required=False)
@project_option
@json_option
@pass_root
def workloads_command(root: Root, name: str | None, as_json: bool) -> None:
    """List what can run, with settings and defaults.

    With NAME that workload in full: size, settings with their rules, what a good run leaves behind.
    """
    rows = listed(root.project, name)
    if as_json:
        print_json([row.to_json() for row in rows] if name is None else rows[0].to_json())
    elif name is None:
        click.echo("\n\n".join("\n".join(_summary(row)) for row in rows))
    else:
        click.echo("\n".join(_whole(rows[0])))


def _summary(row: ScheduledWorkload) -> Iterator[str]:
    workload = row.workload
    yield wrapped(f"{workload.name}: {workload.summary}", hang="  ")
    width = max((len(variable.name) for variable in workload.variables), default=0)
    for variable in workload.variables:
        head = f"  {variable.name:{width}}  {variable.type:5}  "
        yield head + wrapped(f"{_shown(variable.default)}  {variable.meaning}", indent=len(head))


def _whole(row: ScheduledWorkload) -> Iterator[str]:
    workload = row.workload
    yield from _head(row)
    for variable in workload.variables:
        yield ""
        yield f"{variable.name}  {variable.type}, default {_shown(variable.default)}"
        yield "  " + wrapped(variable.meaning, indent=2)
        for rule in _rules(variable):
            yield "  " + wrapped(rule, indent=2)
    if workload.artifacts:
        yield ""
        yield "artifacts"
    for artifact in workload.artifacts:
        rows = f", at least {artifact.min_rows} rows" if artifact.min_rows else ""
        yield f"  {artifact.name}  {artifact.media_type}{rows}"


def _head(row: ScheduledWorkload) -> Iterator[str]:
    workload = row.workload
    yield wrapped(f"{workload.name}: {workload.summary}", hang="  ")
    runs = shlex.join(workload.command) if workload.command else workload.entry_point
    yield f"runs       {runs} ({workload.kind})"
    disk = f", {more} GiB of disk" if (more := workload.ephemeral_storage_gib) > 20 else ""
    yield f"size       {workload.cpu / 1024:g} vCPU, {workload.memory / 1024:g} GB{disk}"
    yield f"at most    {workload.max_runtime_seconds} s"
    yield f"schedules  {', '.join(row.schedules) or 'none'}"
    if workload.services:
        yield f"services   {', '.join(workload.services)}"


def _rules(variable: Variable) -> Iterator[str]:
    if variable.choices:
        yield f"one of {', '.join(variable.choices)}"
    limits = (("at least", variable.minimum), ("at most", variable.maximum))
    shown = [f"{words} {limit:.15g}" for words, limit in limits if limit is not None]
    if shown:
        yield ", ".join(shown)
    if variable.pattern is not None:
        yield f"matches {variable.pattern}" + (
            f", e.g. {variable.example}" if variable.example else ""
        )


def _shown(default: str) -> str:
    return default or '""'
