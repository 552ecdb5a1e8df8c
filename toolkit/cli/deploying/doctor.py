"""`toolkit doctor`."""

import click
from attrs import asdict

from toolkit.app.app import App
from toolkit.app.deploying.doctor import doctor
from toolkit.cli.options import json_option
from toolkit.cli.render import print_checks, print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.core.checks import Status, worst


@click.command("doctor")
@aws_options
@json_option
@pass_app
def doctor_command(app: App, as_json: bool) -> int:
    """Check everything a run needs before it fires.

    FAIL is wrong, WARN may go wrong or could not be found out. Exit code 1 if anything is FAIL.
    """
    checks = doctor(app)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_checks(checks)
    return 1 if worst(check.status for check in checks) is Status.FAIL else 0
