"""`toolkit evidence`."""

from pathlib import Path

import click

from toolkit.app.app import App
from toolkit.app.proof import keep
from toolkit.cli.options import RunIdType, bucket_option, json_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.runtime.contract import RunId


@click.command("evidence")
@click.argument("run_ids", metavar="RUN_ID...", type=RunIdType(), nargs=-1, required=True)
@aws_options
@bucket_option
@json_option
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("evidence"),
    show_default=True,
    help="Write folders below this directory.",
)
@pass_app
def evidence_command(
    app: App,
    run_ids: tuple[RunId, ...],
    as_json: bool,
    output: Path,
) -> None:
    """Keep the evidence of runs in a folder each.

    It holds log, lifecycle, claim, manifest, verdict, and one HTML page. Whatever the verdict, the
    folder is written; `toolkit validate --evidence DIR` judges it again.
    """
    found = [keep.keep(app, run_id, output) for run_id in run_ids]
    if as_json:
        rows = [{"folder": str(k.folder), "verdict": k.verdict.to_json()} for k in found]
        print_json(rows[0] if len(rows) == 1 else rows)
        return
    for kept in found:
        click.echo(f"{kept.verdict.ruling}  {kept.folder}/report.html")
        for name in kept.left_out:
            click.echo(f"{name} is large and stays in the bucket", err=True)
