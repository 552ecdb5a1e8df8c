"""`toolkit deploy`."""

import click

from toolkit.app.deploying import deploy
from toolkit.app.deploying.layers import DeployOptions
from toolkit.cli.completing import runnable
from toolkit.cli.options import executor_option, json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import Root, aws_options, pass_root
from toolkit.cli.text import wrapped
from toolkit.core.deploying.reasons import MANY, grouped


@click.command("deploy")
@aws_options
@executor_option
@yes_option
@json_option
@click.option("--guided", is_flag=True, help="Ask first, and save the answers to toolkit.toml.")
@click.option("--dry-run", is_flag=True, help="Make the change sets, show and discard them.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    shell_complete=runnable,
    help="Only this workload or schedule.",
)
@click.option("--overwrite", is_flag=True, help="Also replace schedules that were changed by hand.")
@click.option("--release", metavar="ID", help="Deploy this earlier release: roll back to it.")
@pass_root
def deploy_command(
    root: Root,
    yes: bool,
    as_json: bool,
    guided: bool,
    dry_run: bool,
    only: tuple[str, ...],
    overwrite: bool,
    release: str | None,
) -> int:
    """Deploy the platform, the image, the workloads and the schedules.

    Each stack is shown as a change set first. What has not changed is left alone.
    """
    if release and root.executor:
        raise click.UsageError(
            "--release brings its own image, so there is no --executor to choose"
        )
    if guided:
        from toolkit.cli.deploying.guided import ask

        root.config_env = ask(root.project, root.config_env, root.local)
    options = DeployOptions(yes, dry_run, only, release, overwrite)
    done = deploy.deploy(root.app, options)
    if as_json:
        print_json(done.to_json())
    else:
        _print(done)
    return 1 if done.declined else 0


def _print(done: deploy.Deployment) -> None:
    rows = {row.stack: str(row.result) for row in done.rows}
    if len(rows) > MANY:
        for group in grouped(rows):
            names = f"{len(group.names)} stacks" if len(group.names) > 5 else ", ".join(group.names)
            click.echo(wrapped(f"{group.what}: {names}", hang="  "))
        if done.release:
            click.echo(f"release: {done.release}")
        return
    width = max(len(name) for name in rows)
    for name, result in rows.items():
        click.echo(f"{name:<{width}}  {result}")
    if done.release:
        click.echo(f"{'release':<{width}}  {done.release}")
