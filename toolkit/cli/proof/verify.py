"""`toolkit verify`."""

from pathlib import Path

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.proof import verify
from toolkit.app.proof.verify import Verification
from toolkit.cli.options import bucket_option, json_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import wrapped

_SHOWN = 20


@click.command("verify")
@aws_options
@bucket_option
@json_option
@click.option(
    "--key",
    metavar="PEM",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key that must have signed; without it, those that the bucket keeps.",
)
@click.option("--deep", is_flag=True, help="Also the SHA-256 of every object: a HEAD for each.")
@pass_app
def verify_command(app: App, as_json: bool, key: Path | None, deep: bool) -> int:
    """Check the seals: chain, signatures and objects.

    Exit code 0 if all of it holds, 1 if something was altered, is gone or was never signed, 4 if
    nothing is sealed.
    """
    found = verify.verify(app, key.read_bytes() if key else None, deep=deep)
    if as_json:
        print_json({**asdict(found), "exit_code": found.exit_code})
    else:
        _print(app, found, deep=deep)
    return found.exit_code


def _print(app: App, found: Verification, *, deep: bool) -> None:
    if not found.seals:
        click.secho("nothing is sealed", bold=True)
        click.echo(wrapped("the audit seals each day once all of it is final; is it on?"))
        return
    for problem in found.problems[:_SHOWN]:
        click.secho("FAIL  ", fg="red", nl=False)
        click.echo(wrapped(str(problem), indent=6))
    if len(found.problems) > _SHOWN:
        click.echo(f"… and {len(found.problems) - _SHOWN:,} more (--json)")
    days = "1 day" if found.days == 1 else f"{found.days:,} days"
    click.echo(f"days      {days}, {found.first} to {found.last}")
    click.echo(f"firings   {found.firings:,}")
    click.echo(f"seals     {found.seals:,}: {found.signed:,} signed, {found.unsigned:,} not")
    how = "size and time" if not deep else "size, time and SHA-256"
    gone = f"; {found.gone:,} are no longer there" if found.gone else ""
    click.echo(wrapped(f"objects   {found.objects:,} checked by {how}{gone}", hang=" " * 10))
    if found.waiting:
        names = ", ".join(map(str, found.waiting[:3]))
        more = f" and {len(found.waiting) - 3:,} more" if len(found.waiting) > 3 else ""
        click.echo(wrapped(f"not yet   {names}{more}", hang=" " * 10))
    if found.head is not None:
        click.echo(f"last      {found.head.key}\n          {found.head.sha256}")
    click.echo()
    if found.problems:
        count = len(found.problems)
        click.secho("1 problem" if count == 1 else f"{count:,} problems", fg="red", bold=True)
    else:
        stands = f"everything that was sealed stands ({app.seals.bucket})"
        click.secho(wrapped(stands, hang="  "), bold=True)
