"""`toolkit resume`."""

import click

from toolkit.app.schedules import pause
from toolkit.cli.root import Root, pass_root
from toolkit.cli.schedules.pause import carry_out, check_names, several


@click.command("resume")
@several
@pass_root
def resume_command(
    root: Root, names: tuple[str, ...], yes: bool, as_json: bool, every: bool, dry_run: bool
) -> int:
    """Let paused schedules fire again now."""
    check_names(names, every)
    app = root.app
    found = pause.resumptions(app.project, app.config, names, app.now())
    return carry_out(root, found, yes=yes, as_json=as_json, dry_run=dry_run)
