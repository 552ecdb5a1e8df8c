"""`toolkit cost`."""

import click

from toolkit.app.app import App
from toolkit.app.proof import cost
from toolkit.app.proof.validate import latest as latest_run
from toolkit.cli.options import RunIdType, json_option, latest_option
from toolkit.cli.render import print_json
from toolkit.cli.root import aws_options, pass_app
from toolkit.cli.text import wrapped
from toolkit.core.cost import Prices, billed
from toolkit.runtime.contract import RunId


@click.command("cost")
@click.argument("run_ids", metavar="[RUN_ID]...", type=RunIdType(), nargs=-1)
@aws_options
@json_option
@latest_option
@pass_app
def cost_command(
    app: App, run_ids: tuple[RunId, ...], as_json: bool, latest: tuple[str, ...]
) -> None:
    """Show what runs cost, or what the next 30 days of schedules will.

    Only the tasks: storage, logs and data transfer are not in it.
    """
    prices = cost.price_list(app)
    run_ids = (*run_ids, *(latest_run(app, name) for name in latest))
    if run_ids:
        rows = cost.of_runs(app, run_ids)
        _show_runs(rows, prices, as_json)
    else:
        _show_ahead(app, prices, as_json)


def _show_runs(rows: list[cost.TaskCost], prices: Prices, as_json: bool) -> None:
    if as_json:
        found = [
            {"run_id": str(r.run_id), "task_arn": r.task.task_arn, "dollars": r.dollars}
            for r in rows
        ]
        print_json({"tasks": found, "prices": _prices(prices)})
        return
    width = max((len(str(row.run_id)) for row in rows), default=0)
    for row in rows:
        time = billed(row.task)
        size = f"{int(row.task.cpu or 0) / 1024:g} vCPU, {int(row.task.memory or 0) / 1024:g} GB"
        price = "-" if row.dollars is None else f"${row.dollars:.4f}"
        seconds = f"{time.total_seconds():,.0f} s" if time else "not ended yet"
        click.echo(f"{price:>9}  {row.run_id!s:<{width}}  {size}  {seconds}")
    _say(prices)


def _show_ahead(app: App, prices: Prices, as_json: bool) -> None:
    rows = cost.ahead(app)
    if as_json:
        keys = ("schedule", "firings", "seconds", "bound", "dollars", "capacity_provider")
        found = [{key: getattr(row, key) for key in keys} for row in rows]
        print_json({"days": cost.MONTH.days, "schedules": found, "prices": _prices(prices)})
        return
    width = max((len(row.schedule) for row in rows), default=0)
    for row in rows:
        most = "at most " if row.bound else ""
        spot = ", less on FARGATE_SPOT" if row.capacity_provider == "FARGATE_SPOT" else ""
        click.echo(
            f"{f'${row.dollars:,.2f}':>9}  {row.schedule:<{width}}  {row.firings:,} firings of "
            f"{most}{row.seconds:,.0f} s{spot}"
        )
    click.secho(f"{f'${sum(row.dollars for row in rows):,.2f}':>9}", bold=True, nl=False)
    click.echo(f"  in the next {cost.MONTH.days} days")
    _say(prices)


def _say(prices: Prices) -> None:
    text = f"Fargate on demand, x86, {prices.region}, prices of {prices.date} ({prices.source})"
    if prices.borrowed:
        text += f"; those of {prices.wanted} are not known here and differ"
    click.echo(wrapped(text, err=True), err=True)


def _prices(prices: Prices) -> dict[str, object]:
    return {
        "region": prices.region,
        "borrowed": prices.borrowed,
        "date": prices.date,
        "source": prices.source,
    }
