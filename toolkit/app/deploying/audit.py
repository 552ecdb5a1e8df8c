"""What a deployment does for the audit: it names the sum, and sends the first heartbeat."""

from collections.abc import Sequence
from datetime import timedelta

from toolkit.app.app import App
from toolkit.core import cost
from toolkit.core.deploying.config import Config
from toolkit.core.errors import ConfigError, ToolkitError
from toolkit.core.expressions.expression import parse as parse_expression
from toolkit.core.expressions.kinds import Rate
from toolkit.core.names import AUDIT
from toolkit.core.stack import StackPlan


def check(config: Config) -> None:
    """Refuse the audit where it would reach nothing that it asks."""
    network = config.platform
    if not config.audit or network.get("NetworkMode") != "private" or network.get("VpcId"):
        return
    if network.get("AuditEndpoints") != "true":
        raise ConfigError(
            f"[{config.environment}] audit: a private network of the toolkit's own has no way to "
            "the services that the audit asks",
            hint=f'audit = "off", and `toolkit audit` in the CI that deploys; or '
            f'AuditEndpoints = "true" below [{config.environment}.platform], for about '
            f"${cost.endpoints_month():,.0f} a month",
        )


def interval_of(expression: str) -> timedelta:
    """How often an audit of this rate looks."""
    rate = parse_expression(expression)
    assert isinstance(rate, Rate)
    return rate.interval


def announce(app: App, changing: Sequence[StackPlan]) -> None:
    """Say what the audit will cost, where these changes turn it on."""
    stack = app.names.workload_stack(AUDIT)
    plan = next((plan for plan in changing if plan.name == stack), None)
    if plan is None or app.config.audit is None or AUDIT in app.stacks.workloads:
        return
    signing = plan.parameters.get("SigningKey") == "true"
    app.console.say(str(month(app.config, app.config.audit, app.aws.region, key=signing)))


def month(config: Config, rate: str, region: str, *, key: bool) -> cost.AuditMonth:
    """What an audit at this rate costs in the network that the configuration asks for."""
    network = config.platform
    public = network.get("NetworkMode", "public") == "public"
    own_endpoints = not public and not network.get("VpcId")
    return cost.audit_month(
        interval_of(rate),
        cost.prices(region),
        key=key,
        public_address=public,
        endpoints=own_endpoints and network.get("AuditEndpoints") == "true",
    )


def first_beat(app: App, changing: Sequence[StackPlan]) -> None:
    """Send a heartbeat before the alarm is made, which would ring before the first audit."""
    if not any(plan.name == app.names.workload_stack(AUDIT) for plan in changing):
        return
    try:
        app.notices.beat()
    except ToolkitError as error:
        app.console.say(f"the audit's alarm may ring once before its first run: {error.message}")
