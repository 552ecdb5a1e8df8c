"""`toolkit image …`."""

from collections import Counter

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.deploying import image
from toolkit.app.deploying.image_lock import make_lock
from toolkit.cli.groups import SuggestingGroup
from toolkit.cli.options import executor_option, json_option
from toolkit.cli.render import Terminal, print_json
from toolkit.cli.root import Root, aws_options, pass_app, pass_root, project_option

_GRAVE = ("CRITICAL", "HIGH")


@click.group("image", cls=SuggestingGroup)
def image_command() -> None:
    """Build, push, list and scan the image that all workloads share."""


@image_command.command("lock")
@project_option
@click.option(
    "--add",
    multiple=True,
    metavar="PACKAGE",
    help="Add a package first, such as pandas or 'pandas>=3'. May be given more than once.",
)
@click.option("--upgrade", is_flag=True, help="Take the newest versions of all packages.")
@pass_root
def lock_command(root: Root, add: tuple[str, ...], upgrade: bool) -> None:
    """Make image/requirements.lock from image/requirements.in, with hashes."""
    versions = make_lock(root.project, add, Terminal().say, upgrade=upgrade)
    for name, version in versions.items():
        click.echo(f"{name}=={version}")


@image_command.command("build")
@aws_options
@json_option
@pass_app
def build_command(app: App, as_json: bool) -> None:
    """Build the image; nothing to do where the engine holds the same content."""
    built = image.build(app)
    if as_json:
        print_json(asdict(built))
    else:
        click.echo(built.name)
        state = "built" if built.new else "the engine holds it already"
        click.echo(f"{built.platform}; {state}", err=True)


@image_command.command("push")
@aws_options
@executor_option
@json_option
@pass_app
def push_command(
    app: App,
    as_json: bool,
) -> None:
    """Push the image into the app's repository, and print it by digest.

    Its tag is the hash of what it is built from: nothing to do where the registry has that tag.
    """
    pushed = image.push(app)
    if as_json:
        print_json(asdict(pushed))
    else:
        click.echo(pushed.uri)
        state = "pushed" if pushed.new else "the registry has it already"
        click.echo(f"{state} as {pushed.tag}", err=True)


@image_command.command("ls")
@aws_options
@json_option
@pass_app
def ls_command(app: App, as_json: bool) -> None:
    """List the images of the app's repository, the newest first."""
    rows = image.images(app)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    for row in rows:
        tags = ", ".join(row.tags) or "untagged"
        click.echo(f"{row.digest[:19]}…  {row.size / 1e6:7.1f} MB  {row.pushed_at[:19]}Z  {tags}")


@image_command.command("scan")
@aws_options
@json_option
@click.option("--digest", metavar="SHA256", help="This image instead of the project's.")
@pass_app
def scan_command(app: App, as_json: bool, digest: str | None) -> int:
    """Show what ECR's scan found in an image; exit code 1 for anything critical or high."""
    found, scan = image.scan(app, digest)
    if as_json:
        print_json({"digest": found, **asdict(scan)})
    else:
        counts = Counter(finding.severity for finding in scan.findings)
        told = ", ".join(f"{count} {severity.lower()}" for severity, count in counts.items())
        click.echo(f"{found[:19]}…  {scan.status}: {told or 'nothing found'}")
        for row in scan.findings:
            if row.severity in _GRAVE:
                click.echo(f"  {row.severity:<8}  {row.name:<18}  {row.package} {row.version}")
    return 1 if scan.count(*_GRAVE) else 0
