"""Is everything there that a scheduled run needs? Judges facts that adapters gathered.

Each question has a fact, or Unknown with the reason why nobody could tell. What is wrong is NG;
what may go wrong, or is not known, is WARN: a preflight must not cry over a permission that only
its caller lacks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from attrs import frozen

_T = TypeVar("_T")
# AWS refuses requests that are signed with a clock further off than this:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_SKEW_LIMIT, _SKEW_NOTICE = 300.0, 30.0
_FEW_ADDRESSES = 8


class Grade(StrEnum):
    """How bad it is, from good to bad."""

    OK = "OK"
    WARN = "WARN"
    NG = "NG"


@frozen
class Finding:
    """One line of the tree; its own grade is at least as bad as its children's."""

    name: str
    grade: Grade
    detail: str
    hint: str = ""
    children: tuple["Finding", ...] = ()


@frozen
class Unknown:
    """A question that could not be answered."""

    reason: str


@frozen
class Identity:
    """Who asks, and where."""

    account: str
    arn: str
    region: str


@frozen
class Quota:
    """A limit of the account: how much of it is needed, used or wanted."""

    name: str
    limit: float
    needed: float
    wanted: float


@frozen
class Image:
    """The image of a workload's task definition, and whether the registry has it, for which CPUs."""

    uri: str
    wanted: str
    present: bool
    platforms: tuple[str, ...]


@frozen
class Subnet:
    """A subnet of the tasks; ``way_out`` is internet, nat or none, ``endpoints`` those at hand."""

    id: str
    way_out: str
    free_addresses: int
    endpoints: frozenset[str]


@frozen
class Network:
    """Where tasks run."""

    subnets: tuple[Subnet, ...]
    public_address: bool
    https_allowed: bool


@frozen
class Role:
    """A role; ``decisions`` maps what it must be allowed to IAM's simulated decision."""

    name: str
    service: str
    trusted: bool
    decisions: Mapping[str, str] | Unknown


@frozen
class Queue:
    """The dead-letter queue."""

    name: str
    letters: int
    denies_scheduler: bool


@frozen
class Facts:
    """All answers; None means that the question does not arise."""

    identity: Identity | Unknown
    clock_skew: float | Unknown
    quotas: tuple[Quota, ...] | Unknown | None
    engine: str | Unknown | None
    stacks: Mapping[str, str] | Unknown
    platform_stack: str
    images: Mapping[str, Image | Unknown]
    network: Network | Unknown | None
    roles: Mapping[str, Role | Unknown]
    queue: Queue | Unknown | None
    log_groups: Mapping[str, bool | Unknown]
    schedules: Mapping[str, str | Unknown]


# What a task reaches before and while it runs; ECS itself is not among it.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
NEEDED_ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "s3")


def examine(facts: Facts) -> tuple[Finding, ...]:
    """The tree of findings, in the order in which to mend them."""
    found = [_identity(facts.identity), _clock(facts.clock_skew)]
    if facts.quotas is not None:
        found.append(_group("quotas", facts.quotas, _quota))
    if facts.engine is not None:
        found.append(_engine(facts.engine))
    found.append(_stacks(facts.stacks, facts.platform_stack))
    if facts.network is not None:
        found.append(_network(facts.network))
    found += _tree("images", facts.images, _image)
    found += _tree("roles", facts.roles, _role)
    found += _tree("log groups", facts.log_groups, _log_group)
    if facts.queue is not None:
        found.append(_queue(facts.queue))
    found += _tree("schedules", facts.schedules, _schedule)
    return tuple(found)


def worst(findings: Iterable[Finding]) -> Grade:
    """The worst grade of all."""
    grades = {finding.grade for finding in findings}
    return next((grade for grade in (Grade.NG, Grade.WARN) if grade in grades), Grade.OK)


def _identity(identity: Identity | Unknown) -> Finding:
    if isinstance(identity, Unknown):
        hint = "aws configure, aws sso login, or AWS_PROFILE; and a region"
        return Finding("credentials", Grade.NG, identity.reason, hint)
    return Finding("credentials", Grade.OK, f"{identity.arn} in {identity.region}")


def _clock(skew: float | Unknown) -> Finding:
    if isinstance(skew, Unknown):
        return _unknown("clock", skew)
    told = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} AWS"
    hint = "set this machine's clock: timedatectl set-ntp true"
    if abs(skew) >= _SKEW_LIMIT:
        return Finding("clock", Grade.NG, f"{told}: AWS refuses what it signs", hint)
    if abs(skew) >= _SKEW_NOTICE:
        return Finding("clock", Grade.WARN, told, hint)
    return Finding("clock", Grade.OK, f"within {_SKEW_NOTICE:.0f} s of AWS")


def _quota(quota: Quota) -> Finding:
    told = f"{quota.limit:g}, needs {quota.needed:g}"
    hint = "raise it: https://console.aws.amazon.com/servicequotas/"
    if quota.limit < quota.needed:
        return Finding(quota.name, Grade.NG, told, hint)
    if quota.limit < quota.wanted:
        told = f"{quota.limit:g}; all schedules at once take {quota.wanted:g}"
        return Finding(quota.name, Grade.WARN, told, hint)
    return Finding(quota.name, Grade.OK, told)


def _engine(engine: str | Unknown) -> Finding:
    if isinstance(engine, Unknown):
        hint = "only needed to build the image; an image that is in the registry deploys without"
        return Finding("container engine", Grade.WARN, engine.reason, hint)
    return Finding("container engine", Grade.OK, engine)


def _stacks(stacks: Mapping[str, str] | Unknown, platform: str) -> Finding:
    if isinstance(stacks, Unknown):
        return _unknown("stacks", stacks)
    if platform not in stacks:
        detail = f"{platform} is not deployed: what rests on it was not examined"
        return Finding("stacks", Grade.WARN, detail, "toolkit deploy")
    bad = {name: status for name, status in stacks.items() if not status.endswith("COMPLETE")}
    bad |= {name: status for name, status in stacks.items() if status == "ROLLBACK_COMPLETE"}
    if bad:
        children = tuple(Finding(name, Grade.NG, status) for name, status in sorted(bad.items()))
        hint = "toolkit deploy goes on from there, or says what is in its way"
        return Finding("stacks", Grade.NG, f"{len(bad)} of {len(stacks)}", hint, children)
    return Finding("stacks", Grade.OK, f"{len(stacks)} deployed")


def _image(workload: str, image: Image) -> Finding:
    if not image.present:
        hint = "toolkit deploy builds and pushes it again"
        return Finding(workload, Grade.NG, f"{_short(image.uri)} is not in the registry", hint)
    if image.platforms and image.wanted not in image.platforms:
        detail = f"{_short(image.uri)} is for {', '.join(image.platforms)}, tasks are {image.wanted}"
        hint = "set workload.CpuArchitecture in toolkit.toml to the image's, and deploy"
        return Finding(workload, Grade.NG, detail, hint)
    if not image.platforms:
        return Finding(workload, Grade.WARN, f"{_short(image.uri)}: its platform is not known")
    return Finding(workload, Grade.OK, f"{_short(image.uri)}, {image.wanted}")


def _network(network: Network | Unknown) -> Finding:
    if isinstance(network, Unknown):
        return _unknown("network", network)
    children = [_subnet(subnet, public=network.public_address) for subnet in network.subnets]
    if not network.https_allowed:
        hint = "the security group of the tasks needs an egress rule for TCP 443"
        children.append(Finding("egress", Grade.NG, "HTTPS may not go out", hint))
    detail = f"{len(network.subnets)} subnets reach ECR, S3 and Logs"
    grade = worst(children)
    if grade is not Grade.OK:
        detail = "not every task would reach ECR, S3 and Logs"
    return Finding("network", grade, detail, children=tuple(children))


def _subnet(subnet: Subnet, *, public: bool) -> Finding:
    missing = [name for name in NEEDED_ENDPOINTS if name not in subnet.endpoints]
    if subnet.way_out == "internet" and not public and missing:
        detail = "an internet gateway is of no use without a public address"
        hint = "set platform.NetworkMode to public, or use subnets with NAT or endpoints"
        return Finding(subnet.id, Grade.NG, detail, hint)
    if subnet.way_out == "none" and missing:
        detail = f"no way out, and no endpoint for {', '.join(missing)}"
        hint = "add a route to a NAT gateway, or these endpoints (platform.NetworkMode = private)"
        return Finding(subnet.id, Grade.NG, detail, hint)
    if subnet.free_addresses < _FEW_ADDRESSES:
        grade = Grade.WARN if subnet.free_addresses else Grade.NG
        detail = f"{subnet.free_addresses} free addresses; each task takes one"
        return Finding(subnet.id, grade, detail, "use larger subnets, or more of them")
    way = {"internet": "internet gateway", "nat": "NAT"}.get(subnet.way_out, "endpoints")
    return Finding(subnet.id, Grade.OK, f"{way}, {subnet.free_addresses} free addresses")


def _role(purpose: str, role: Role) -> Finding:
    if not role.trusted:
        hint = "somebody changed its trust policy: toolkit deploy does not undo that; see the stack"
        return Finding(purpose, Grade.NG, f"{role.name} does not trust {role.service}", hint)
    if isinstance(role.decisions, Unknown):
        detail = f"trusts {role.service}; its permissions are not known: {role.decisions.reason}"
        return Finding(purpose, Grade.WARN, detail)
    denied = {what: word for what, word in role.decisions.items() if word != "allowed"}
    children = tuple(Finding(what, Grade.NG, word) for what, word in denied.items())
    if children:
        detail = f"{role.name} may not do {len(denied)} of {len(role.decisions)} things it must"
        hint = "look for a boundary or an organization's policy; docs/security.md has the list"
        return Finding(purpose, Grade.NG, detail, hint, children)
    return Finding(purpose, Grade.OK, f"may do all {len(role.decisions)} things it must")


def _log_group(workload: str, present: bool) -> Finding:  # noqa: FBT001
    if present:
        return Finding(workload, Grade.OK, "there")
    hint = "without it no task starts: toolkit deploy, after deleting the workload's stack"
    return Finding(workload, Grade.NG, "the log group is gone", hint)


def _queue(queue: Queue | Unknown) -> Finding:
    name = "dead letters"
    if isinstance(queue, Unknown):
        return _unknown(name, queue)
    if queue.denies_scheduler:
        hint = "mend the queue's policy: failed launches would vanish"
        return Finding(name, Grade.NG, f"{queue.name} refuses the scheduler's role", hint)
    if queue.letters:
        hint = "toolkit ledger --since 14d names the firings"
        return Finding(name, Grade.WARN, f"{queue.letters} launches failed lately", hint)
    return Finding(name, Grade.OK, f"{queue.name} is empty")


def _schedule(_name: str, problem: str) -> Finding:
    if problem:
        hint = "toolkit schedules diff shows the difference, toolkit deploy undoes it"
        return Finding(_name, Grade.NG, problem, hint)
    return Finding(_name, Grade.OK, "its target is the app's")


def _group(name: str, facts: Sequence[Quota] | Unknown, judge: object) -> Finding:
    if isinstance(facts, Unknown):
        return _unknown(name, facts)
    children = tuple(_quota(fact) for fact in facts)
    return _parent(name, children)


def _unknown(name: str, unknown: Unknown) -> Finding:
    return Finding(name, Grade.WARN, f"not known: {unknown.reason}")


def _short(uri: str) -> str:
    repository, _, digest = uri.partition("@")
    return f"{repository.rpartition('/')[2]}@{digest[:19]}…"
