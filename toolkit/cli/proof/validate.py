"""`toolkit validate`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from toolkit.app.app import App
from toolkit.app.proof import keep, validate
from toolkit.cli.hints import with_flags
from toolkit.cli.options import (
    RunIdType,
    Times,
    bucket_option,
    json_option,
    latest_option,
    schedules_option,
    timezone_option,
)
from toolkit.cli.render import print_json, print_verdict, say_broken_chain, say_known_since
from toolkit.cli.root import Root, aws_options, pass_root
from toolkit.cli.text import wrapped
from toolkit.core.pages.junit import junit
from toolkit.core.proof.verdict import Ruling, Verdict
from toolkit.runtime.contract import RunId

_WORST = (Ruling.FAIL, Ruling.INCONCLUSIVE, Ruling.PASS)
_MANY = 10  # of more verdicts, a PASS is one line

_UNSIGNED = (
    "without --key, only the folder's own checksums are checked: they protect against accidents, "
    "not against somebody who makes them anew"
)
_Judged = tuple[Verdict, tuple[Path, ...]]


@click.command("validate")
@click.argument("run_ids", metavar="[RUN_ID]...", type=RunIdType(), nargs=-1)
@aws_options
@bucket_option
@json_option
@click.option("--run-id", "named", type=RunIdType(), multiple=True, help="The same as RUN_ID.")
@latest_option
@click.option("--since", metavar="TIME", help="Judge every firing from this time on that is over.")
@timezone_option
@schedules_option("With --since: only.")
@click.option("--task", "tasks", multiple=True, metavar="ARN", help="The run of a task.")
@click.option(
    "--evidence",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Judge a kept folder again, without AWS.",
)
@click.option(
    "--key",
    metavar="PEM",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --evidence: the public key that must have signed the seal of the run.",
)
@click.option("--deep", is_flag=True, help="Download the artifacts, recompute and read them.")
@click.option("--wait", is_flag=True, help="Wait until each run has ended and can be judged.")
@click.option("--timeout", default=600.0, show_default=True, help="Seconds to --wait at most.")
@click.option(
    "--junit",
    "report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the verdicts as JUnit XML, for CI.",
)
@click.option(
    "--download",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also download the artifacts below this directory.",
)
@pass_root
def validate_command(
    root: Root,
    /,
    as_json: bool,
    folders: tuple[Path, ...],
    key: Path | None,
    report: Path | None,
    download: Path | None,
    **runs: Any,
) -> int:
    """Judge runs by their evidence.

    Artifacts come first, then exit and stop code, then logs. Exit code 0 is PASS, 1 FAIL, 4
    INCONCLUSIVE; of several runs the worst. Missing evidence is never success. With --since, an
    altered seal is 1, too.
    """
    if key is not None and not folders:
        raise click.UsageError("--key goes with --evidence")
    broken: Sequence[str] = ()
    if folders:
        if key is None:
            click.echo(wrapped(_UNSIGNED, err=True), err=True)
        count, several = len(folders), len(folders) > 1
        judged: Iterator[_Judged] = (
            (verdict, ())
            for verdict in keep.rejudge_all(
                folders, root.project, key.read_bytes() if key else None
            )
        )
    else:
        app = root.app
        run_ids, broken = _wanted(app, runs)
        count, several = len(run_ids), len(run_ids) > 1 or runs["since"] is not None
        wait = runs["timeout"] if runs["wait"] else 0.0
        judged = (
            (each.verdict, each.files)
            for each in validate.validate_all(
                app, run_ids, wait=wait, deep=runs["deep"], directory=download
            )
        )
    rows = list(judged if as_json else _shown(judged, count))
    verdicts = [verdict for verdict, _ in rows]
    if report is not None:
        report.write_text(junit([verdict.with_hint(with_flags) for verdict in verdicts]), "utf-8")
    if as_json:
        found = [{**v.to_json(), "files": [str(path) for path in files]} for v, files in rows]
        print_json(found if several else found[0])
    say_broken_chain(broken)
    # Nothing to judge proves nothing.
    ruling = next(
        (ruling for ruling in _WORST if any(v.ruling is ruling for v in verdicts)),
        Ruling.INCONCLUSIVE,
    )
    return Ruling.FAIL.exit_code if broken else ruling.exit_code


def _wanted(app: App, runs: dict[str, Any]) -> tuple[list[RunId], Sequence[str]]:
    """The runs that the options name, each once; and what is wrong with the seals of a period."""
    broken: Sequence[str] = ()
    found = [
        *runs["run_ids"],
        *runs["named"],
        *(validate.latest(app, name) for name in runs["latest"]),
        *(validate.run_of_task(app, task) for task in runs["tasks"]),
    ]
    if runs["since"] is not None:
        since = Times(app.now(), runs["timezone"]).period(runs["since"], None)[0]
        over = validate.over_since(app, since, runs["schedules"])
        for state, count in over.left_out.items():
            click.echo(f"not judged: {count:,} {state}", err=True)
        say_known_since(over.known_since, since)
        if not over.run_ids:
            click.echo(f"no firing since {since:%Y-%m-%d %H:%M:%S}Z is over", err=True)
        found += over.run_ids
        broken = over.problems
    elif runs["schedules"]:
        raise click.UsageError("--schedule goes with --since; --latest names a schedule, too")
    elif not found:
        raise click.UsageError("name a run: RUN_ID, --latest, --since, --task or --evidence")
    return list(dict.fromkeys(found)), broken


def _shown(judged: Iterator[_Judged], count: int) -> Iterator[_Judged]:
    """The same, each printed as it comes, and their number at the end."""
    counts: Counter[Ruling] = Counter()
    for verdict, files in judged:
        print_verdict(verdict, brief=count > _MANY)
        for path in files:
            click.echo(path)
        counts[verdict.ruling] += 1
        yield verdict, files
    if count > 1:
        told = ", ".join(f"{counts[ruling]:,} {ruling}" for ruling in _WORST if counts[ruling])
        click.secho(f"\n{count:,} runs: {told}", bold=True)
