"""`toolkit site`."""

from pathlib import Path

import click

from toolkit.app.app import App
from toolkit.app.proof import site
from toolkit.app.proof.site import SiteRequest, WrittenSite
from toolkit.cli.options import Times, bucket_option, json_option, schedules_option, timezone_option
from toolkit.cli.render import print_json, say_known_since
from toolkit.cli.root import aws_options, pass_app

_YEAR = "365d"


@click.command("site")
@aws_options
@bucket_option
@json_option
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write; a site that it holds is replaced.  [default: .toolkit/site/ENV]",
)
@click.option(
    "--since",
    default=_YEAR,
    show_default=True,
    metavar="TIME",
    help="Only firings from this time on.",
)
@timezone_option
@schedules_option("Only this one; repeatable.")
@click.option(
    "--runs",
    default=1000,
    show_default=True,
    type=click.IntRange(min=0),
    metavar="N",
    help="A page for each schedule's latest N firings, and for N that need a look.",
)
@click.option(
    "--reports",
    default=3,
    show_default=True,
    type=click.IntRange(min=0),
    metavar="N",
    help="Judge the latest N of either, for full reports.",
)
@click.option("--open", "show", is_flag=True, help="Show it in the browser.")
@pass_app
def site_command(
    app: App,
    as_json: bool,
    output: Path | None,
    since: str,
    timezone: str | None,
    schedules: tuple[str, ...],
    runs: int,
    reports: int,
    show: bool,
) -> int:
    """Write a static site of a year of runs.

    A calendar, a page a schedule, a page a firing; no script, and nothing is loaded from anywhere.
    Exit code 1 if the chain of seals is broken.
    """
    begin = Times(app.now(), timezone).period(since, None)[0]
    folder = output or app.project.root / ".toolkit" / "site" / app.config.environment
    written = site.write(app, SiteRequest(folder, begin, schedules, runs, reports))
    if as_json:
        print_json(_row(written))
    else:
        _print(written)
    say_known_since(written.known_since, begin)
    for problem in written.problems:
        click.secho(f"the chain of seals is broken: {problem}", fg="red", err=True)
    if show and click.launch(written.index.resolve().as_uri()):
        click.echo("no browser could be started: open the file above yourself", err=True)
    return 1 if written.problems else 0


def _print(written: WrittenSite) -> None:
    click.secho(str(written.summary), bold=True)
    size = written.bytes / 1e6
    click.echo(
        f"{written.files:,} files, {size:,.1f} MB: {written.pages:,} pages of firings, "
        f"{written.reports:,} of them full reports",
        err=True,
    )
    click.echo(str(written.index))


def _row(written: WrittenSite) -> dict[str, object]:
    counts = {str(state): count for state, count in written.summary.total.items() if count}
    return {
        "index": str(written.index),
        "summary": counts,
        "bad": written.summary.bad,
        "pages": written.pages,
        "reports": written.reports,
        "files": written.files,
        "bytes": written.bytes,
        "problems": list(written.problems),
    }
