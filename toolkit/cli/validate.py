"""`toolkit validate`."""

from pathlib import Path
from typing import Any

import click

from toolkit.actions import keep
from toolkit.actions import validate as action
from toolkit.cli.options import RunIdType, aws_options, json_option, opened
from toolkit.cli.render import print_json, print_verdict
from toolkit.core.junit import junit
from toolkit.core.verdict import Ruling, Verdict
from workloads.contract import RunId

_WORST = (Ruling.FAIL, Ruling.INCONCLUSIVE, Ruling.PASS)


@click.command("validate")
@aws_options
@json_option
@click.option("--run-id", "run_ids", type=RunIdType(), multiple=True, help="A run; repeatable.")
@click.option("--latest", multiple=True, metavar="SCHEDULE", help="Its latest run; repeatable.")
@click.option("--task", "tasks", multiple=True, metavar="ARN", help="The run of a task.")
@click.option(
    "--evidence",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Judge a kept folder again, without AWS.",
)
@click.option("--deep", is_flag=True, help="Download the artifacts, recompute and read them.")
@click.option("--wait", is_flag=True, help="Wait while a run is inconclusive or runs.")
@click.option("--timeout", default=600.0, show_default=True, help="Seconds to --wait at most.")
@click.option("--junit", "report", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--download",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also download the artifacts below this directory.",
)
def validate_command(
    project: Path,
    config_env: str | None,
    local: bool,
    as_json: bool,
    folders: tuple[Path, ...],
    report: Path | None,
    download: Path | None,
    **runs: Any,
) -> int:
    """Judge runs by their evidence: artifacts, then exit and stop code, then logs.

    Exit code 0 is PASS, 1 FAIL, 4 INCONCLUSIVE; of several runs the worst. Missing evidence is
    never success.
    """
    if folders:
        found, files = [keep.rejudge(folder) for folder in folders], list[str]()
    else:
        found, files = _judge(opened(project, config_env, local), download, **runs)
    if report is not None:
        report.write_text(junit(found), "utf-8")
    if as_json:
        rows = [
            {**each.to_json(), "files": [path for path in files if each.run_id in path]}
            for each in found
        ]
        print_json(rows[0] if len(rows) == 1 else rows)
    else:
        for verdict in found:
            print_verdict(verdict)
        for path in files:
            click.echo(path)
    return next(each for each in _WORST if any(v.ruling is each for v in found)).exit_code


def _judge(
    context: Any,
    download: Path | None,
    *,
    run_ids: tuple[RunId, ...],
    latest: tuple[str, ...],
    tasks: tuple[str, ...],
    deep: bool,
    wait: bool,
    timeout: float,
) -> tuple[list[Verdict], list[str]]:
    wanted = [
        *run_ids,
        *(action.latest(context, name) for name in latest),
        *(action.run_of_task(context, task) for task in tasks),
    ]
    if not wanted:
        raise click.UsageError("name a run: --run-id, --latest, --task or --evidence")
    found = action.validate_all(context, wanted, wait=timeout if wait else 0.0, deep=deep)
    files = [
        str(path)
        for each in found
        for path in (action.fetch(context, each.evidence, download) if download else ())
    ]
    return [each.verdict for each in found], files
