"""`toolkit schedules`: all of them at once."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any, TypeVar

import click

from toolkit.app.deploying.layers import StackOutcome
from toolkit.app.schedules import schedules
from toolkit.cli.groups import SuggestingGroup
from toolkit.cli.options import Times, check_period, timezone_option, yes_option
from toolkit.cli.proof.runs import word
from toolkit.cli.render import pause_row, print_json
from toolkit.cli.root import Root, aws_options, kept_option, pass_root
from toolkit.cli.schedules.firings import hours
from toolkit.cli.schedules.preview import launch, launch_document
from toolkit.cli.text import cells, pair, wrapped
from toolkit.core.schedules.drift import Difference, DifferenceKind
from toolkit.core.schedules.timing import Pause

_F = TypeVar("_F", bound=Callable[..., Any])
_SIGNS = {
    DifferenceKind.ADDED: ("+", "green"),
    DifferenceKind.REMOVED: ("-", "red"),
    DifferenceKind.CHANGED: ("~", "yellow"),
    DifferenceKind.UNOWNED: ("?", "magenta"),
}
_json = kept_option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def _shared(command: _F) -> _F:
    """--json, --local and their like may stand behind the group or behind its subcommand."""
    return aws_options(_json(command))


@click.group("schedules", invoke_without_command=True, cls=SuggestingGroup)
@_shared
@click.pass_context
@pass_root
def schedules_command(root: Root, ctx: click.Context, /) -> None:
    """List the schedules: state, words, next firing, last outcome."""
    if ctx.invoked_subcommand is not None:
        return
    rows = schedules.rows(root.app)
    if root.as_json:
        print_json([_row(row) for row in rows])
        return
    width = max((len(row.schedule.name) for row in rows), default=0)
    for row in rows:
        _list(row, width)


@schedules_command.command("diff")
@_shared
@click.option("--thorough", is_flag=True, help="Read every live schedule whole: a call for each.")
@pass_root
def diff(root: Root, thorough: bool) -> int:
    """Compare files, stacks and live schedules.

    The exit code is 1 if they differ.
    """
    found = schedules.differences(root.app, thorough=thorough)
    if root.as_json:
        print_json([_difference(row) for row in found])
    else:
        _show(found)
    return 0 if all(row.clean for row in found) else 1


@schedules_command.command("apply")
@_shared
@yes_option
@click.option("--overwrite", is_flag=True, help="Also replace what was changed by hand.")
@pass_root
def apply(root: Root, yes: bool, overwrite: bool) -> int:
    """Deploy every schedule whose file has changed."""
    found = schedules.differences(root.app, to_deploy=True)
    if not root.as_json:
        _show(row for row in found if row.kind is not DifferenceKind.REMOVED)
    rows = schedules.apply(root.app, found, yes=yes, overwrite=overwrite)
    if root.as_json:
        print_json([{"stack": row.stack, "result": row.result} for row in rows])
    else:
        counts = Counter(row.result for row in rows)
        click.echo(
            ", ".join(f"{n} {result}" for result, n in counts.items()) or "nothing to deploy"
        )
        drifted = sum(bool(row.drift) and row.kind is DifferenceKind.UNCHANGED for row in found)
        if drifted and not overwrite:
            click.echo(
                f"{drifted} of them were changed by hand; --overwrite sets them back", err=True
            )
    return 1 if any(row.result is StackOutcome.DECLINED for row in rows) else 0


@schedules_command.command("prune")
@_shared
@yes_option
@pass_root
def prune(root: Root, yes: bool) -> None:
    """Delete deployed schedules without a file."""
    names = schedules.prune(root.app, yes=yes)
    if root.as_json:
        print_json(names)
    else:
        click.echo(f"deleted {', '.join(names)}" if names else "nothing deleted")


@schedules_command.command("dump")
@_shared
@click.option("--write", is_flag=True, help="Write the files instead of printing them.")
@pass_root
def dump(root: Root, write: bool) -> int:
    """Turn live schedules into TOML files.

    A file that exists keeps its comments and its order. The exit code is 1 if a schedule cannot be
    a file of this project; the others are dumped.
    """
    edit, left_out = schedules.dump(root.app)
    if write:
        root.app.project.write(edit)
    if root.as_json:
        print_json({PurePosixPath(path).stem: text for path, text in edit.texts.items()})
    elif write:
        click.echo("\n".join(f"{place} written" for place in edit.places) or "no change")
    else:
        click.echo("\n".join(f"# {path}\n{text}" for path, text in edit.texts.items()))
    for name, why in left_out.items():
        click.echo(wrapped(f"{name} is left out: {why}", hang="  ", err=True), err=True)
    return 1 if left_out else 0


@schedules_command.command("next")
@_shared
@click.option("--until", metavar="TIME", help="As far as this time.  [default: a day ahead]")
@timezone_option
@pass_root
def upcoming(root: Root, until: str | None, timezone: str | None) -> None:
    """Print what fires next, in the order of time."""
    found = _calendar(root, until, timezone, timedelta(days=1))
    if root.as_json:
        print_json([_firing(firing) for firing in found])
        return
    pauses: dict[str, Pause] = {}
    assumed: set[str] = set()
    for firing in found:
        if firing.assumed:
            assumed.add(firing.schedule)
        local = f"{firing.local:%a %H:%M %Z}"
        late = (f"up to {hours(firing.window)[1:]} late",) if firing.window else ()
        if firing.pause:
            pauses[firing.schedule], late = firing.pause, ("paused",)
        line = cells(f"{firing.utc:%Y-%m-%d %H:%M}Z", local, firing.run_id, *late)
        click.secho(line, dim=True if firing.pause else None)
    _say_pauses(pauses)
    _say_assumed(assumed)


@schedules_command.command("calendar")
@_shared
@click.option("--until", metavar="TIME", help="As far as this time.  [default: a week ahead]")
@timezone_option
@pass_root
def calendar(root: Root, until: str | None, timezone: str | None) -> None:
    """Print what fires on which day, overlaps marked."""
    found = _calendar(root, until, timezone, timedelta(days=7))
    if root.as_json:
        print_json([_firing(firing) for firing in found])
        return
    overlaps: Counter[str] = Counter()
    skips: Counter[str] = Counter()
    assumed: set[str] = set()
    pauses: dict[str, Pause] = {}
    for day, firings in groupby(found, key=lambda firing: firing.utc.date()):
        click.secho(f"{day:%a %d %b %Y} (UTC)", bold=True)
        for firing in firings:
            line = f"  {firing.utc:%H:%M}  {firing.local:%H:%M %Z}  {firing.schedule}"
            if firing.pause:
                pauses[firing.schedule] = firing.pause
                click.secho(f"{line}  paused", dim=True)
                continue
            click.echo(line, nl=False)
            if firing.assumed:
                assumed.add(firing.schedule)
            if firing.overlap:
                (skips if firing.skipped else overlaps)[firing.schedule] += 1
                long = f"up to {hours(firing.overlap)[1:]}"
                note = f"  overlaps the run before by {long}"
                if firing.skipped:
                    note = f"  skipped if the run before takes {long} more"
                click.secho(note, fg="yellow", nl=False)
            click.echo()
    _say_pauses(pauses)
    _say_assumed(assumed)
    for counts, end in ((overlaps, "nothing keeps them apart"), (skips, "they are skipped then")):
        for name, count in sorted(counts.items()):
            come = "1 firing comes" if count == 1 else f"{count:,} firings come"
            _warn(f"{name}: {come} while the run before may still go on; {end}")


def _say_assumed(names: Iterable[str]) -> None:
    """The schedules whose times are not known from their files."""
    for name in sorted(names):
        text = "a rate counts from its deployment, which its file does not tell; these count from"
        _warn(f"{name}: {text} now: toolkit status has its next firing")


def _warn(text: str) -> None:
    click.secho("warning: ", fg="yellow", nl=False, err=True)
    click.echo(wrapped(text, indent=9, hang="  ", err=True), err=True)


def _say_pauses(pauses: Mapping[str, Pause]) -> None:
    """The pauses of the firings above, once for each schedule."""
    for name, pause in sorted(pauses.items()):
        click.echo(wrapped(f"{name}: {pause.words()}", hang="  "))


def _calendar(
    root: Root, until: str | None, timezone: str | None, ahead: timedelta
) -> Iterator[schedules.PlannedFiring]:
    here = root.offline()
    end = here.now + ahead
    if until is not None:
        end = Times(here.now, timezone).read("--until", until, ahead=True)
        check_period("now", here.now, "--until", end)
    return schedules.calendar(here.project, here.config, here.now, end)


def _firing(firing: schedules.PlannedFiring) -> dict[str, Any]:
    return {
        "run_id": firing.run_id,
        "schedule": firing.schedule,
        "utc": firing.utc.isoformat(),
        "local": firing.local.isoformat(),
        "flexible_window_minutes": firing.window // timedelta(minutes=1),
        "overlap_seconds": firing.overlap.total_seconds() if firing.overlap else None,
        "skipped": firing.skipped,
        "assumed": firing.assumed,
        "pause": pause_row(firing.pause),
    }


def _list(row: schedules.ScheduleRow, width: int) -> None:
    schedule = row.schedule
    click.secho(f"{schedule.name:<{width}}", bold=True, nl=False)
    changed = "  (the file says otherwise: toolkit schedules diff)" if row.changed else ""
    how = launch(schedule)
    words = f"{row.words}, {schedule.timezone}{how and f', {how}'}"
    told = wrapped(f"{row.standing}  {words}{changed}", indent=width + 2)
    click.echo(f"  {told}")
    due = f"{row.next.local:%a %d %b %H:%M %Z}" if row.next else "never"
    due += f": {row.spent}" if row.spent else ""
    last = f"{word(row.last)} {row.last.run_id.scheduled_time:%d %b %H:%M}Z" if row.last else "-"
    click.echo(cells(" " * width, f"next {due:<21}", f"last {last}", hang=width + 2))
    if row.pause:
        click.echo(f"{'':{width}}  {wrapped(row.pause.words(), indent=width + 2)}")


def _show(found: Iterable[Difference]) -> None:
    rows = list(found)
    for row in rows:
        if row.clean and not row.pause:
            continue
        sign, colour = _SIGNS.get(row.kind, (" ", "white"))
        click.secho(f"{sign} {row.name}", fg=colour)
        if row.pause:
            click.echo(f"    {wrapped(row.pause.words(), indent=4)}")
        for change in row.changes:
            click.echo(f"    {change.field}: {pair(change.before, change.after)}")
        for change in row.drift:
            click.secho("  ! live ", fg="red", nl=False)
            click.echo(f"{change.field}: {pair(change.before, change.after)}")
    clean = sum(row.clean for row in rows)
    click.echo(f"{clean} of {len(rows)} schedules match their files", err=True)


def _row(row: schedules.ScheduleRow) -> dict[str, Any]:
    return {
        "name": row.schedule.name,
        "workload": row.schedule.workload,
        "expression": row.schedule.expression,
        "timezone": row.schedule.timezone,
        "state": row.schedule.state,
        "description": row.schedule.description,
        **launch_document(row.schedule),
        "standing": row.standing,
        "deployed": row.standing is not schedules.Standing.NOT_DEPLOYED,
        "changed": row.changed,
        "expired": row.spent or None,
        "words": row.words,
        "next": row.next.utc.isoformat() if row.next else None,
        "last_run_id": str(row.last.run_id) if row.last else None,
        "last_outcome": row.last.outcome or row.last.state if row.last else None,
        "pause": pause_row(row.pause),
    }


def _difference(row: Difference) -> dict[str, Any]:
    def changes(rows: Any) -> list[dict[str, str]]:
        return [{"field": c.field, "before": c.before, "after": c.after} for c in rows]

    return {
        "name": row.name,
        "kind": row.kind,
        "changes": changes(row.changes),
        "drift": changes(row.drift),
        "pause": pause_row(row.pause),
    }
