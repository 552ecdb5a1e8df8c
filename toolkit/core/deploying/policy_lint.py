"""IAM policy linting: do the actions, resources and condition keys of a statement exist together?

What IAM takes without a word and never allows: an action that there is not, an ARN that is none of
the action's resources, a condition key that the action does not have. The facts come from AWS's
Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from attrs import frozen

from toolkit.core.deploying.arn_patterns import is_arn, overlap


def _names(text: str) -> frozenset[str]:
    """Words in lower case: IAM compares names without it."""
    return frozenset(text.lower().split())


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_GLOBAL_KEYS = frozenset(
    f"aws:{name}"
    for name in _names(
        """
        AssumedRoot CalledVia CalledViaFirst CalledViaLast CurrentTime Ec2InstanceSourcePrivateIPv4
        Ec2InstanceSourceVpc EpochTime FederatedProvider MultiFactorAuthAge MultiFactorAuthPresent
        PrincipalAccount PrincipalArn PrincipalIsAWSService PrincipalOrgID PrincipalOrgPaths
        PrincipalServiceName PrincipalServiceNamesList PrincipalType Referer RequestedRegion
        ResourceAccount ResourceOrgID ResourceOrgPaths SecureTransport SourceAccount SourceArn
        SourceIdentity SourceIp SourceOrgID SourceOrgPaths SourceVpc SourceVpcArn SourceVpce TagKeys
        TokenIssueTime UserAgent UserId UserName ViaAWSService VpceAccount VpceOrgID VpceOrgPaths
        VpcSourceIp
        """
    )
)
# A tag's key follows.
_GLOBAL_PREFIXES = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
_OPERATORS = _names(
    """
    ArnEquals ArnLike ArnNotEquals ArnNotLike BinaryEquals Bool DateEquals DateGreaterThan
    DateGreaterThanEquals DateLessThan DateLessThanEquals DateNotEquals IpAddress NotIpAddress Null
    NumericEquals NumericGreaterThan NumericGreaterThanEquals NumericLessThan NumericLessThanEquals
    NumericNotEquals StringEquals StringEqualsIgnoreCase StringLike StringNotEquals
    StringNotEqualsIgnoreCase StringNotLike
    """
)
_OPERATOR = re.compile(r"((forallvalues|foranyvalue):)?(?P<name>[a-z]+?)(ifexists)?", re.IGNORECASE)
_VARIABLE_PART = re.compile(r"\$\{[^}]*\}|<[^>]*>|(?<=/)tag-key$")
_ACTION = re.compile(r"(?P<service>[A-Za-z0-9-]+):(?P<name>[A-Za-z0-9*?]+)")


@frozen
class IamAction:
    """An action of a service.

    ``arns`` are the patterns of what it can be limited to, ``keys`` its condition keys in lower
    case; both as AWS's reference writes them, with ``${…}`` for what varies.
    """

    name: str
    arns: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()


class IamReference(Protocol):
    """What actions there are."""

    def services(self) -> Sequence[str]:
        """The prefixes of all services."""

    def actions(self, service: str) -> Sequence[IamAction]:
        """The actions of one service."""


def problems(
    actions: Sequence[str], resources: Sequence[str], condition: Any, reference: IamReference
) -> Iterator[str]:
    """What is wrong with one statement.

    Args:
        actions: its patterns of actions.
        resources: its patterns of ARNs; what CloudFormation fills in is ``*``.
        condition: its condition, if any.
        reference: what there is.
    """
    named: dict[str, list[IamAction]] = {}
    for action in actions:
        found = _named(action, reference)
        if isinstance(found, str):
            yield found
        elif found:
            named[action] = found
    yield from (f"{text} is not an ARN" for text in resources if not is_arn(text))
    complete = len(named) == len(actions) and all(map(is_arn, resources))
    if complete:
        yield from _apart(named, resources)
    yield from _condition(condition, named if complete else {}, reference)


def _named(action: str, reference: IamReference) -> list[IamAction] | str:
    """The actions that a pattern means, none for ``*``; or what is wrong with it."""
    if action == "*":
        return []
    match = _ACTION.fullmatch(action)
    if match is None:
        return f"{action} is not an action; write service:Action"
    service, services = match["service"].lower(), reference.services()
    if service not in services:
        return f"{action}: AWS has no service {service}{_near(service, services)}"
    known = reference.actions(service)
    pattern = re.escape(match["name"]).replace(r"\*", ".*").replace(r"\?", ".")
    meant = [row for row in known if re.fullmatch(pattern, row.name, re.IGNORECASE)]
    if not meant:
        near = _near(match["name"], [row.name for row in known])
        return f"{action} is not an action of {service}{near}"
    return meant


def _apart(named: Mapping[str, list[IamAction]], resources: Sequence[str]) -> Iterator[str]:
    """Actions that none of the resources is for; else resources that are for none of them."""
    if "*" in resources:
        return
    idle = [
        text
        for text, rows in named.items()
        if not any(_fits(row, resource) for row in rows for resource in resources)
    ]
    for text in idle:
        arns = sorted({arn for row in named[text] for arn in row.arns})
        needed = " or ".join(arns[:3]) or '"*", for it cannot be limited'
        yield f"{text} on {', '.join(resources)} allows nothing; its resource is {needed}"
    every = [row for rows in named.values() for row in rows]
    for resource in resources if every and not idle else ():
        if not any(_fits(row, resource) for row in every):
            yield f"no action of the statement is for {resource}"


def _fits(action: IamAction, resource: str) -> bool:
    return any(overlap(arn, resource) for arn in action.arns)


def _condition(
    condition: Any, named: Mapping[str, list[IamAction]], reference: IamReference
) -> Iterator[str]:
    if condition is None:
        return
    if not isinstance(condition, Mapping) or not all(
        isinstance(keys, Mapping) for keys in condition.values()
    ):
        yield 'Condition is an object such as {"StringEquals": {"aws:PrincipalTag/x": "y"}}'
        return
    for operator, keys in condition.items():
        match = _OPERATOR.fullmatch(operator)
        if match is None or match["name"].lower() not in _OPERATORS:
            yield f"{operator} is not a condition operator{_near(operator, _OPERATORS)}"
        for key in keys:
            yield from _key(key, named, reference)


def _key(key: str, named: Mapping[str, list[IamAction]], reference: IamReference) -> Iterator[str]:
    lower = key.lower()
    if lower in _GLOBAL_KEYS or lower.startswith(_GLOBAL_PREFIXES):
        return
    rows = [row for actions in named.values() for row in actions]
    if any(_is_key(lower, known) for row in rows for known in row.keys):
        return
    service = lower.partition(":")[0]
    if service == "aws":
        yield f"{key} is not a condition key{_near(lower, _GLOBAL_KEYS)}"
        return
    actions = reference.actions(service) if service in reference.services() else ()
    known_keys = {known for row in actions for known in row.keys}
    if not any(_is_key(lower, known) for known in known_keys):
        yield f"{key} is not a condition key{_near(lower, known_keys)}"
    elif rows:
        yield f"{key} is a condition key of none of {', '.join(sorted(named))}"


def _is_key(key: str, known: str) -> bool:
    """Whether a key is that of the reference, where ``${TagKey}`` stands for any text."""
    parts = _VARIABLE_PART.split(known)
    return re.fullmatch(".+".join(map(re.escape, parts)), key) is not None


def _near(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word.lower(), [w.lower() for w in words], n=1)
    shown = next((w for w in words if close and w.lower() == close[0]), None)
    return f"; did you mean {shown}?" if shown else ""
