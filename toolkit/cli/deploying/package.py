"""`toolkit package`."""

import click

from toolkit.app.app import App
from toolkit.app.deploying import release
from toolkit.cli.options import executor_option, json_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.runtime.layout import release_of


@click.command("package")
@aws_options
@executor_option
@json_option
@click.option("--list", "show", is_flag=True, help="List the releases in the bucket instead.")
@pass_app
def package_command(
    app: App,
    as_json: bool,
    show: bool,
) -> None:
    """Write a release into the app's bucket and print its id.

    A release is the templates, the image's digest, the catalog and the schedules; its id is the
    hash of its content. `toolkit deploy --release ID` deploys it, and so does the plain AWS CLI.
    """
    if show:
        rows = release.listed(app)
        if as_json:
            print_json([{"id": row.id, "packaged_at": row.packaged_at} for row in rows])
        for row in rows if not as_json else ():
            click.echo(f"{row.id}  {row.packaged_at}")
        return
    made = release.package(app)
    if as_json:
        print_json({"id": made.id, "bucket": made.bucket, "image": made.image, "new": made.new})
        return
    click.echo(made.id)
    state = "is now" if made.new else "was already"
    click.echo(f"it {state} in s3://{made.bucket}/{release_of(made.id)}", err=True)
