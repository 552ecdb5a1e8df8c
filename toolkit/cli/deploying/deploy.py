"""`toolkit deploy`."""

import click

from toolkit.app.deploying import deploy
from toolkit.app.deploying.layers import Options
from toolkit.cli.completing import runnable
from toolkit.cli.options import executor_option, json_option, yes_option
from toolkit.cli.render import print_json
from toolkit.cli.root import Root, aws_options, pass_root


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
@click.option("--overwrite", is_flag=True, help="Also over schedules that were changed by hand.")
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
    options = Options(yes, dry_run, only, release, overwrite)
    done = deploy.deploy(root.app, options)
    if as_json:
        print_json(done.to_json())
    else:
        _print(done)
    return 1 if done.declined else 0


def _print(done: deploy.Deployment) -> None:
    width = max(len(row.stack) for row in done.rows)
    for row in done.rows:
        click.echo(f"{row.stack:<{width}}  {row.result}")
    if done.release:
        click.echo(f"{'release':<{width}}  {done.release}")
