"""Every call of AWS in the toolkit, held against botocore's models and docs/security.md.

The calls are read from the source: the operation exists, each argument is one that it takes, and
what it requires is given. What boto3 is handed at run time it validates itself.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from attrs import frozen
from botocore import xform_name

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("toolkit/adapters/**/*.py"), *ROOT.glob("toolkit/app/**/*.py")])
# The embedded AWS's engine has a client of its own, of no service of AWS.
_OTHERS = {"EngineClient"}
_SERVICES = {
    "CloudFormationClient": "cloudformation",
    "CloudWatchLogsClient": "logs",
    "EC2Client": "ec2",
    "ECRClient": "ecr",
    "ECSClient": "ecs",
    "KMSClient": "kms",
    "EventBridgeSchedulerClient": "scheduler",
    "IAMClient": "iam",
    "S3Client": "s3",
    "SQSClient": "sqs",
    "STSClient": "sts",
    "SSMClient": "ssm",
    "SecretsManagerClient": "secretsmanager",
    "ServiceQuotasClient": "service-quotas",
    "secretsmanager": "secretsmanager",  # clients without stubs name their service
    "ssm": "ssm",
}
# Their clients are known by the call that makes them.
_UNTYPED = {"cloudtrail", "cloudwatch", "events", "secretsmanager", "sns", "ssm"}


@frozen
class Call:
    """One call: where, of which service, with which arguments; ``open`` where ** gives more."""

    where: str
    service: str
    operation: str
    arguments: frozenset[str]
    open: bool


@cache
def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-central-1")


def model(service: str, operation: str) -> Any:
    """The model of an operation by the name of its method; None where there is none."""
    names = {xform_name(name): name for name in client(service).meta.service_model.operation_names}
    name = names.get(operation)
    return name and client(service).meta.service_model.operation_model(name)


def _service(node: ast.AST) -> str | None:
    """The service of an expression ``….client("s3")``, or of a type such as S3Client."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and getattr(part.func, "attr", "") == "client":
            first = part.args[0] if part.args else None
            if isinstance(first, ast.Constant):
                return str(first.value)
    text = ast.unparse(node).strip("'\"")
    return _SERVICES.get(text)


def _clients(tree: ast.AST) -> dict[str, str]:
    """The variables and attributes of a scope that hold a client, with its service."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            service = _service(node.value)
            if service:
                found.update({ast.unparse(target): service for target in targets})
        if isinstance(node, ast.arg) and node.annotation is not None:
            service = _service(node.annotation)
            if service:
                found[node.arg] = service
    for node in ast.walk(tree):  # an attribute that keeps such an argument
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in found:
            service = found[ast.unparse(node.value)]
            found.update({ast.unparse(target): service for target in node.targets})
    return found


def _calls(path: Path) -> Iterator[Call]:
    tree = ast.parse(path.read_text("utf-8"))
    for scope in tree.body:
        known = _clients(scope)
        for node in ast.walk(scope):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner, name = node.func.value, node.func.attr
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            given = frozenset(word.arg for word in node.keywords if word.arg)
            more = any(word.arg is None for word in node.keywords)
            if ast.unparse(owner) in known and name not in {"get_paginator", "exceptions", "meta"}:
                yield Call(where, known[ast.unparse(owner)], name, given, more)
            paged = _paged(owner, scope, known)
            if name == "paginate" and paged:
                yield Call(where, *paged, given, more)


def _paged(owner: ast.AST, scope: ast.AST, known: dict[str, str]) -> tuple[str, str] | None:
    """Service and operation of a paginator, made on the spot or kept in a variable."""
    if isinstance(owner, ast.Name):
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == owner.id:
                owner = node.value
                break
    if isinstance(owner, ast.Call) and getattr(owner.func, "attr", "") == "get_paginator":
        of = ast.unparse(owner.func.value)  # type: ignore[attr-defined]
        operation = owner.args[0]
        if of in known and isinstance(operation, ast.Constant):
            return known[of], str(operation.value)
    return None


@cache
def calls() -> list[Call]:
    return [call for path in SOURCES for call in _calls(path)]


# Methods that boto3 adds to a client, with the operations that they make.
_HELPERS = {"download_file": ("head_object", "get_object")}


def test_the_calls_are_found() -> None:
    names = {call.operation for call in calls()}
    assert {"create_change_set", "filter_log_events", "run_task", "describe_events"} <= names
    assert len(calls()) > 40
    assert {call.service for call in calls()} == {*_SERVICES.values(), *_UNTYPED}


def mistakes(call: Call) -> Iterator[str]:
    """What botocore would refuse of a call."""
    if call.operation in _HELPERS:
        return
    operation = model(call.service, call.operation)
    if operation is None:
        yield f"{call.where}: {call.service} has no {call.operation}"
        return
    shape = operation.input_shape
    members, required = (
        (set(shape.members), set(shape.required_members)) if shape else (set(), set())
    )
    paging = {"PaginationConfig"} if client(call.service).can_paginate(call.operation) else set()
    for name in call.arguments - members - paging:
        yield f"{call.where}: {call.operation} takes no {name}"
    for name in () if call.open else required - call.arguments:
        yield f"{call.where}: {call.operation} needs {name}"


def test_every_call_is_one_that_botocore_knows() -> None:
    assert [mistake for call in calls() for mistake in mistakes(call)] == []


@pytest.mark.parametrize(
    ("operation", "arguments", "mistake"),
    [
        ("describe_nothing", {"cluster"}, "x:1: ecs has no describe_nothing"),
        ("describe_tasks", {"tasks", "task"}, "x:1: describe_tasks takes no task"),
        ("describe_tasks", {"cluster"}, "x:1: describe_tasks needs tasks"),
    ],
)
def test_another_call_is_found(operation: str, arguments: set[str], mistake: str) -> None:
    assert list(mistakes(Call("x:1", "ecs", operation, frozenset(arguments), open=False))) == [
        mistake
    ]


# --- the policies of docs/security.md -------------------------------------------------------------

# Operations whose permission has another name, or that need more than one.
_ACTIONS = {
    ("cloudformation", "DescribeStacks"): ("DescribeStacks", "ListStacks"),
    ("s3", "ListObjectsV2"): ("ListBucket",),
    ("s3", "ListObjectVersions"): ("ListBucketVersions",),
    ("s3", "HeadObject"): ("GetObject",),
    ("s3", "ListBuckets"): ("ListAllMyBuckets",),
    ("s3", "DeleteObjects"): ("DeleteObject", "DeleteObjectVersion"),
    ("sqs", "ChangeMessageVisibilityBatch"): ("ChangeMessageVisibility",),
    ("sqs", "DeleteMessageBatch"): ("DeleteMessage",),
    ("service-quotas", "GetServiceQuota"): ("GetServiceQuota",),
}
_PREFIXES = {"service-quotas": "servicequotas"}
_UNASKED = {"sts:GetCallerIdentity"}  # needs no permission


def actions(service: str, operation: str) -> set[str]:
    """The IAM actions of an operation, by its name in the API."""
    names = _ACTIONS.get((service, operation), (operation,))
    return {f"{_PREFIXES.get(service, service)}:{name}" for name in names} - _UNASKED


def documented() -> dict[str, set[str]]:
    """The policies of docs/security.md by their Sid, each with its actions."""
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    found: dict[str, set[str]] = {}
    for block in re.findall(r"```json\n(\{.*?\n\})\n```", text, re.DOTALL):
        for statement in json.loads(block)["Statement"]:
            listed = statement["Action"]
            found.setdefault(statement["Sid"], set()).update(
                [listed] if isinstance(listed, str) else listed
            )
    return found


def test_every_call_of_the_toolkit_is_in_a_documented_policy() -> None:
    needed: set[str] = set()
    for call in calls():
        for name in _HELPERS.get(call.operation, (call.operation,)):
            needed |= actions(call.service, model(call.service, name).name)
    assert needed <= set().union(*documented().values())


def test_a_policy_names_actions_that_exist_and_none_twice() -> None:
    policies = documented()
    for actions_of in policies.values():
        for action in actions_of:
            assert re.fullmatch(r"[a-z0-9]+:[A-Z][A-Za-z0-9]+", action), action
