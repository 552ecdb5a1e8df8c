"""Is everything there that a scheduled run needs? Judges facts that adapters gathered.

Each question has a fact, or Unknown with the reason why nobody could tell. What is wrong is FAIL;
what may go wrong, or is not known, is WARN: a preflight must not cry over a permission that only
its caller lacks.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from toolkit.core.checks import Check, Status, worst
from toolkit.core.deploying.facts import (
    CallerIdentity,
    Facts,
    Network,
    Queue,
    Quota,
    RegistryImage,
    Role,
    Subnet,
    Unknown,
    Zone,
)
from toolkit.core.deploying.secret_checks import secret_checks
from toolkit.core.stack import MAKE_ECS_ROLE

_T = TypeVar("_T")
# AWS refuses requests that are signed with a clock further off than this:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_SKEW_LIMIT, _SKEW_NOTICE = 300.0, 30.0
_FEW_ADDRESSES = 8


# The zones that have Fargate, of the regions where not all have it, by the regions' short names.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html
_FARGATE_ZONES = {
    "apne1": {"apne1-az1", "apne1-az2", "apne1-az4"},
    "cnn1": {"cnn1-az1", "cnn1-az2"},
    "usw1": {"usw1-az1", "usw1-az3"},
}
# What a task reaches before and while it runs; ECS itself is not among it.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
NEEDED_ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "s3")


def examine(facts: Facts) -> tuple[Check, ...]:
    """The tree of findings, in the order in which to mend them."""
    found = [_identity(facts.identity), _clock(facts.clock_skew)]
    if facts.quotas is not None:
        found.append(_quotas(facts.quotas))
    if facts.engine is not None:
        found.append(_engine(facts.engine))
    found.append(_ecs_role(facts.ecs_role))
    found.append(_stacks(facts.stacks, facts.platform_stack))
    if facts.zones is not None:
        found.append(_zones(facts.zones))
    if facts.network is not None:
        found.append(_network(facts.network))
    found += _tree("images", facts.images, _image)
    found += _tree("roles", facts.roles, _role)
    found += secret_checks(facts)
    found += _tree("log groups", facts.log_groups, _log_group)
    if facts.queue is not None:
        found.append(_queue(facts.queue))
    found += _tree("schedules", facts.schedules, _schedule)
    found += _tree("expired schedules", facts.expired, _expired)
    return tuple(found)


def _identity(identity: CallerIdentity | Unknown) -> Check:
    if isinstance(identity, Unknown):
        hint = "aws configure, aws sso login, or AWS_PROFILE; and a region"
        return Check("credentials", Status.FAIL, identity.reason, hint=hint)
    return Check("credentials", Status.OK, f"{identity.arn} in {identity.region}")


def _clock(skew: float | Unknown) -> Check:
    if isinstance(skew, Unknown):
        return _unknown("clock", skew)
    told = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} AWS"
    hint = "set this machine's clock: timedatectl set-ntp true"
    if abs(skew) >= _SKEW_LIMIT:
        return Check("clock", Status.FAIL, f"{told}: AWS refuses what it signs", hint=hint)
    if abs(skew) >= _SKEW_NOTICE:
        return Check("clock", Status.WARN, told, hint=hint)
    return Check("clock", Status.OK, f"within {_SKEW_NOTICE:.0f} s of AWS")


def _quotas(quotas: tuple[Quota, ...] | Unknown) -> Check:
    if isinstance(quotas, Unknown):
        return _unknown("quotas", quotas)
    return _parent("quotas", tuple(_quota(quota) for quota in quotas))


def _quota(quota: Quota) -> Check:
    told = f"{quota.limit:g}, needs {quota.needed:g}"
    hint = "raise it: https://console.aws.amazon.com/servicequotas/"
    if quota.limit < quota.needed:
        return Check(quota.name, Status.FAIL, told, hint=hint)
    if quota.limit < quota.wanted:
        told = f"{quota.limit:g}; all schedules at once take {quota.wanted:g}"
        return Check(quota.name, Status.WARN, told, hint=hint)
    return Check(quota.name, Status.OK, told)


def _ecs_role(present: bool | Unknown) -> Check:  # noqa: FBT001
    name = "role of ECS"
    if isinstance(present, Unknown):
        return _unknown(name, present)
    if not present:
        detail = "the account has no AWSServiceRoleForECS, so its first cluster may fail"
        hint = f"toolkit deploy makes it, or: {MAKE_ECS_ROLE}"
        return Check(name, Status.WARN, detail, hint=hint)
    return Check(name, Status.OK, "AWSServiceRoleForECS")


def _engine(engine: str | Unknown) -> Check:
    if isinstance(engine, Unknown):
        hint = "only needed to build the image; an image that is in the registry deploys without"
        return Check("container engine", Status.WARN, engine.reason, hint=hint)
    return Check("container engine", Status.OK, engine)


def _stacks(stacks: Mapping[str, str] | Unknown, platform: str) -> Check:
    if isinstance(stacks, Unknown):
        return _unknown("stacks", stacks)
    if platform not in stacks:
        detail = f"{platform} is not deployed: what rests on it was not examined"
        return Check("stacks", Status.WARN, detail, hint="toolkit deploy")
    bad = {name: status for name, status in stacks.items() if not status.endswith("COMPLETE")}
    bad |= {name: status for name, status in stacks.items() if status == "ROLLBACK_COMPLETE"}
    if bad:
        children = tuple(Check(name, Status.FAIL, status) for name, status in sorted(bad.items()))
        hint = "toolkit deploy goes on from there, or says what is in its way"
        return Check("stacks", Status.FAIL, f"{len(bad)} of {len(stacks)}", children, hint=hint)
    return Check("stacks", Status.OK, f"{len(stacks)} deployed")


def _zones(zones: tuple[Zone, ...] | Unknown) -> Check:
    if isinstance(zones, Unknown):
        return _unknown("zones", zones)
    return _parent("zones", tuple(_zone(zone) for zone in zones))


def _zone(zone: Zone) -> Check:
    hint = "choose others before the first deployment: platform.ZoneA and platform.ZoneB"
    offered = _FARGATE_ZONES.get(zone.id.partition("-")[0])
    if offered is not None and zone.id not in offered:
        detail = f"{zone.id} has no Fargate; of this region {', '.join(sorted(offered))} have it"
        return Check(zone.name, Status.FAIL, detail, hint=hint)
    if zone.missing:
        detail = f"{zone.id} has no endpoint for {', '.join(zone.missing)}"
        return Check(zone.name, Status.FAIL, detail, hint=hint)
    return Check(zone.name, Status.OK, f"{zone.name} ({zone.id})")


def _image(workload: str, image: RegistryImage) -> Check:
    if not image.present:
        hint = "toolkit deploy builds and pushes it again"
        return Check(
            workload, Status.FAIL, f"{_short(image.uri)} is not in the registry", hint=hint
        )
    if image.platforms and image.wanted not in image.platforms:
        detail = (
            f"{_short(image.uri)} is for {', '.join(image.platforms)}, tasks are {image.wanted}"
        )
        hint = "set workload.CpuArchitecture in toolkit.toml to the image's, and deploy"
        return Check(workload, Status.FAIL, detail, hint=hint)
    if not image.platforms:
        return Check(workload, Status.WARN, f"{_short(image.uri)}: its platform is not known")
    return Check(workload, Status.OK, f"{_short(image.uri)}, {image.wanted}")


def _network(network: Network | Unknown) -> Check:
    if isinstance(network, Unknown):
        return _unknown("network", network)
    children = [_subnet(subnet, public=network.public_address) for subnet in network.subnets]
    if not network.https_allowed:
        hint = "the security group of the tasks needs an egress rule for TCP 443"
        children.append(Check("egress", Status.FAIL, "HTTPS may not go out", hint=hint))
    bad = tuple(child for child in children if child.status is not Status.OK)
    if bad:
        detail = "not every task would reach ECR, S3 and Logs"
        return Check("network", worst(check.status for check in bad), detail, children=bad)
    detail = f"{len(network.subnets)} subnets reach ECR, S3 and Logs: {children[0].detail}"
    return Check("network", Status.OK, detail)


def _subnet(subnet: Subnet, *, public: bool) -> Check:
    missing = [name for name in NEEDED_ENDPOINTS if name not in subnet.endpoints]
    if subnet.way_out == "internet" and not public and missing:
        detail = "an internet gateway is of no use without a public address"
        hint = "set platform.NetworkMode to public, or use subnets with NAT or endpoints"
        return Check(subnet.id, Status.FAIL, detail, hint=hint)
    if subnet.way_out == "none" and missing:
        detail = f"no way out, and no endpoint for {', '.join(missing)}"
        hint = "add a route to a NAT gateway, or these endpoints (platform.NetworkMode = private)"
        return Check(subnet.id, Status.FAIL, detail, hint=hint)
    if subnet.free_addresses < _FEW_ADDRESSES:
        status = Status.WARN if subnet.free_addresses else Status.FAIL
        detail = f"{subnet.free_addresses} free addresses; each task takes one"
        return Check(subnet.id, status, detail, hint="use larger subnets, or more of them")
    way = {"internet": "internet gateway", "nat": "NAT"}.get(subnet.way_out, "endpoints")
    return Check(subnet.id, Status.OK, f"by {way}")


def _role(purpose: str, role: Role) -> Check:
    if not role.trusted:
        hint = "somebody changed its trust policy: toolkit deploy does not undo that; see the stack"
        return Check(purpose, Status.FAIL, f"{role.name} does not trust {role.service}", hint=hint)
    if isinstance(role.decisions, Unknown):
        return Check(purpose, Status.WARN, f"permissions not known: {role.decisions.reason}")
    denied = {what: word for what, word in role.decisions.items() if word != "allowed"}
    children = tuple(Check(what, Status.FAIL, word) for what, word in denied.items())
    if children:
        detail = f"{role.name} may not do {len(denied)} of {len(role.decisions)} things it must"
        hint = "look for a boundary or an organization's policy; docs/security.md has the list"
        return Check(purpose, Status.FAIL, detail, children, hint=hint)
    return Check(purpose, Status.OK, f"may do all {len(role.decisions)} things it must")


def _log_group(workload: str, present: bool) -> Check:  # noqa: FBT001
    if present:
        return Check(workload, Status.OK, "there")
    hint = "without it no task starts: toolkit deploy, after deleting the workload's stack"
    return Check(workload, Status.FAIL, "the log group is gone", hint=hint)


def _queue(queue: Queue | Unknown) -> Check:
    name = "dead letters"
    if isinstance(queue, Unknown):
        return _unknown(name, queue)
    if queue.denies_scheduler:
        hint = "failed launches would be lost: toolkit deploy --only platform"
        return Check(name, Status.FAIL, f"{queue.name} refuses the scheduler's role", hint=hint)
    if queue.letters:
        hint = "toolkit ledger --since 14d names the firings"
        return Check(name, Status.WARN, f"{queue.letters} launches failed lately", hint=hint)
    return Check(name, Status.OK, f"{queue.name} is empty")


def _schedule(name: str, problem: str) -> Check:
    if problem:
        hint = "toolkit schedules diff shows the difference, toolkit deploy undoes it"
        return Check(name, Status.FAIL, problem, hint=hint)
    return Check(name, Status.OK, "its target is the app's")


def _expired(name: str, reason: str) -> Check:
    hint = f"toolkit schedule {name} --unset end, --at TIME, --disable or --remove"
    return Check(name, Status.WARN, f"enabled, and fires no more: {reason}", hint=hint)


def _tree(
    name: str, facts: Mapping[str, _T | Unknown], judge: Callable[[str, _T], Check]
) -> Iterator[Check]:
    """One finding for several facts of a kind; none where there are none."""
    if facts:
        children = (
            _unknown(key, fact) if isinstance(fact, Unknown) else judge(key, fact)
            for key, fact in sorted(facts.items())
        )
        yield _parent(name, tuple(children))


def _parent(name: str, children: tuple[Check, ...]) -> Check:
    """What several findings come to; of those that are fine only the names, and one reason once."""
    bad = tuple(child for child in children if child.status is not Status.OK)
    if not bad:
        only = children[0] if len(children) == 1 else None
        detail = only.detail if only else ", ".join(child.name for child in children)
        return Check(name, Status.OK, detail)
    count = f"{len(bad)} of {len(children)}"
    if len(bad) > 1 and len({(child.status, child.detail) for child in bad}) == 1:
        return Check(name, bad[0].status, f"{count}: {bad[0].detail}", hint=bad[0].hint)
    return Check(name, worst(check.status for check in bad), count, children=bad)


def _unknown(name: str, unknown: Unknown) -> Check:
    if unknown.gone:
        hint = "it was deleted behind its stack: toolkit delete, and deploy anew; the data stay"
        return Check(name, Status.FAIL, unknown.reason, hint=hint)
    return Check(name, Status.WARN, f"not known: {unknown.reason}")


def _short(uri: str) -> str:
    repository, _, digest = uri.partition("@")
    return f"{repository.rpartition('/')[2]}@{digest[:19]}…"
