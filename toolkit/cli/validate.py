"""`toolkit validate`."""

from pathlib import Path

import click

from toolkit.actions import validate as action
from toolkit.cli.options import RunIdType, aws_options, json_option, opened
from toolkit.cli.render import print_json, print_verdict
from workloads.contract import RunId


@click.command("validate")
@aws_options
@json_option
@click.option("--run-id", type=RunIdType(), required=True, help="The run to judge.")
@click.option("--wait", default=0.0, metavar="SECONDS", help="Wait for an inconclusive run.")
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
    run_id: RunId,
    wait: float,
    download: Path | None,
) -> int:
    """Judge a run by its evidence: artifacts, then exit and stop code, then logs.

    Exit code 0 is PASS, 1 FAIL, 4 INCONCLUSIVE. Missing evidence is never success.
    """
    context = opened(project, config_env, local)
    found = action.validate(context, run_id, wait=wait)
    files = action.fetch(context, found.evidence, download) if download else []
    if as_json:
        print_json({**found.verdict.to_json(), "files": [str(path) for path in files]})
    else:
        print_verdict(found.verdict)
        for path in files:
            click.echo(str(path))
    return found.verdict.ruling.exit_code
