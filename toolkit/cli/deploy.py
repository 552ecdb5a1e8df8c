"""`toolkit deploy`."""

from pathlib import Path

import click

from toolkit.actions import deploy as action
from toolkit.cli.options import aws_options, json_option, opened, yes_option
from toolkit.cli.render import print_json


@click.command("deploy")
@aws_options
@yes_option
@json_option
@click.option("--dry-run", is_flag=True, help="Make the change sets, show and discard them.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this workload or schedule.")
def deploy_command(
    project: Path,
    config_env: str | None,
    local: bool,
    yes: bool,
    as_json: bool,
    dry_run: bool,
    only: tuple[str, ...],
) -> int:
    """Deploy the platform, the image, the workloads and the schedules.

    Each stack is shown as a change set first. What has not changed is left alone.
    """
    context = opened(project, config_env, local)
    rows = action.deploy(context, action.Options(yes=yes, dry_run=dry_run, only=only))
    if as_json:
        print_json([{"stack": r.stack, "result": r.result, "outputs": r.outputs} for r in rows])
    else:
        width = max(len(row.stack) for row in rows)
        for row in rows:
            click.echo(f"{row.stack:<{width}}  {row.result}")
    return 1 if any(row.result is action.Result.DECLINED for row in rows) else 0
