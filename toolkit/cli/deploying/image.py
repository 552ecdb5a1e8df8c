"""`toolkit image …`."""

from collections import Counter
from collections.abc import Sequence

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.deploying import image, image_prune
from toolkit.app.deploying.image_lock import make_lock
from toolkit.cli.groups import SuggestingGroup
from toolkit.cli.options import Times, executor_option, json_option, yes_option
from toolkit.cli.render import Terminal, print_json
from toolkit.cli.root import Root, aws_options, pass_app, pass_root, project_option
from toolkit.cli.text import cells, wrapped

_GRAVE = ("CRITICAL", "HIGH")


@click.group("image", cls=SuggestingGroup)
def image_command() -> None:
    """Build, push, list, prune and scan the shared image."""


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
        _show_image(row)


@image_command.command("prune")
@aws_options
@yes_option
@json_option
@click.option("--dry-run", is_flag=True, help="Only show what it would delete.")
@click.option(
    "--older-than",
    default="1d",
    show_default=True,
    metavar="TIME",
    help="Leave what was pushed since: a deployment may be about to name it.",
)
@pass_app
def prune_command(app: App, yes: bool, as_json: bool, dry_run: bool, older_than: str) -> int:
    """Delete images that no active task definition and no release names.

    If anything cannot be read, nothing is deleted.
    """
    before = Times(app.now(), None).read("--older-than", older_than)
    found = image_prune.unused(app, before)
    if not as_json:
        _show_unused(found, app.platform.repository_name)
    deleted: list[image.StoredImage] = []
    declined = False
    if found.images and not dry_run:
        count = "this image" if len(found.images) == 1 else f"these {len(found.images)} images"
        declined = not (yes or app.console.confirm(f"Delete {count} {app.place}?"))
        deleted = [] if declined else image_prune.prune(app, found, before)
    if as_json:
        rows = {"unused": found.images, "deleted": deleted}
        stay = {"named": found.named, "recent": found.recent}
        print_json({**{key: [asdict(row) for row in value] for key, value in rows.items()}, **stay})
    elif deleted:
        click.echo(f"deleted {_counted(deleted)}")
    return 1 if declined else 0


def _show_unused(found: image_prune.Unused, repository: str) -> None:
    for row in found.images:
        _show_image(row)
    told = f"{repository}: nothing names {_counted(found.images)}"
    stay = [f"task definitions or releases name {found.named}"]
    stay += [f"{found.recent} too new to tell"] if found.recent else []
    click.echo(wrapped(f"{told}; {', '.join(stay)}", err=True), err=True)


def _counted(images: Sequence[image.StoredImage]) -> str:
    noun = "image" if len(images) == 1 else "images"
    return f"{len(images)} {noun}, {sum(row.size for row in images) / 1e6:,.1f} MB"


def _show_image(row: image.StoredImage) -> None:
    tags = ", ".join(row.tags) or "untagged"
    size, pushed = f"{row.size / 1e6:7.1f} MB", f"{row.pushed_at[:19]}Z"
    click.echo(cells(f"{row.digest[:19]}…", size, pushed, tags))


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
