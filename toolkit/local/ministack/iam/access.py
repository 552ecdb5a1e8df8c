"""Who may do what: ministack's IAM evaluator, made to fit a laptop.

ministack runs with ``AUTH=true``, so every call with a role's credentials is judged by that role's
policies. What is mended here:

- The account's root has the keys that the engine made, and their signatures are verified like any
  other's. ministack would take any key for root's, without a look at the signature.
- Services assume roles (`assume_role`), judged by the role's trust policy with the service as the
  principal and ``aws:SourceAccount`` and ``aws:SourceArn`` as the context.
- ``ecs:ListTasks`` and ``ecs:DescribeTasks`` are judged with ``ecs:cluster`` in the context,
  ``events:PutEvents`` with ``events:source``, ``cloudwatch:PutMetricData`` with its namespace.
- ``ecs:RunTask`` is judged on the task definition with ``ecs:cluster`` in the context, and passes
  roles only as far as ``iam:PassRole`` allows; calls on a log stream are judged on that stream.
- A request that names two actions is refused, and so is one that names it in its path (CBOR).
- A signature's date is not compared with the clock: a task's clock may be days ahead.
- A bucket's policy may ask for conditional writes (``s3:if-none-match``).
"""

import base64
import contextvars
import json
import os
import secrets
from typing import Any

from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import ecs, iam, sts

from toolkit.local.ministack.ecs import task_definition
from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.upstream import (
    api_requests,
    policy_variables,
    sessions,
    shifted_time,
)

Json = dict[str, Any]

_SESSION_SECONDS = 12 * 3600
_TASKS_SERVICE = "ecs-tasks.amazonaws.com"
_ON_LOG_STREAMS = frozenset({"CreateLogStream", "PutLogEvents", "GetLogEvents", "DeleteLogStream"})
_NAME_THE_RESOURCE = frozenset({"ecs", "secretsmanager"})
_ON_CLUSTERS = frozenset({"ecs:RunTask", "ecs:ListTasks", "ecs:DescribeTasks"})
_ROOT_KEYS = frozenset({os.environ["AWS_ACCESS_KEY_ID"], os.environ["TOOLKIT_ENGINE_KEY"]})
_request_key: contextvars.ContextVar[str] = contextvars.ContextVar("request_key", default="")


def arn(service: str, resource: str) -> str:
    """The ARN of a resource in the account and region of this request."""
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def set_request_key(access_key: str) -> None:
    """Remember whose request this is."""
    _request_key.set(access_key)


def request_key() -> str:
    """Whose request this is."""
    return _request_key.get()


def is_engine() -> bool:
    """Whether the engine itself asks, for a service that it plays."""
    return request_key() == os.environ["TOOLKIT_ENGINE_KEY"]


def session_offset(access_key: str) -> float | None:
    """The clock offset of the task or firing that holds these credentials."""
    offset: float | None = sts._sessions.get(access_key, {}).get("_offset")
    return offset


def session_name(access_key: str) -> str:
    """What a role's session is called; it holds a task's id or a schedule's name."""
    return str(sts._sessions.get(access_key, {}).get("Arn", "")).rpartition("/")[2]


def assume_role(
    role_arn: str, service: str, session: str, source_arn: str, offset: float
) -> tuple[int, Json]:
    """Credentials of a role for a service such as ``scheduler.amazonaws.com``.

    Requests that are signed with them are served at ``offset``. Answers 403 when the role is
    missing or its trust policy does not let the service in:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account, None, name)
    if role is None or not _trusts(role, service, account, source_arn):
        message = f"{service} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        return 403, {"code": "AccessDeniedException", "message": message}
    shifted_time.set_request_offset(offset)
    key = f"ASIA{base64.b32encode(secrets.token_bytes(10)).decode()}"
    kept = {
        "SecretAccessKey": secrets.token_urlsafe(30),
        "Expiration": shifted_time.now() + _SESSION_SECONDS,
    }
    token = secrets.token_urlsafe(64)
    identity = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "UserId": f"{role['RoleId']}:{session}",
        "AccountId": account,
        "PrincipalType": "AssumedRole",
        "SourcePrincipalArn": service,
    }
    sts.register_session(key, {**identity, **kept, "SessionToken": token, "_offset": offset})
    return 200, {**kept, "AccessKeyId": key, "Token": token}


def trusted_by_tasks(role_arn: str) -> bool:
    """Whether a task may run with this role."""
    role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    return role is not None and _trusts(role, _TASKS_SERVICE, get_account_id(), arn("ecs", "*"))


def pass_role_denial(role_arn: str) -> str | None:
    """AWS's words when the caller may not hand this role to a task, or None."""
    return _denial_of("iam:PassRole", role_arn, {"iam:passedtoservice": _TASKS_SERVICE})


def tagging_denial(cluster: str) -> str | None:
    """AWS's words when the caller may not tag the tasks that it runs, or None.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
    """
    tasks = arn("ecs", f"task/{cluster}/*")
    return _denial_of("ecs:TagResource", tasks, {"ecs:createaction": "RunTask"})


def _denial_of(action: str, resource: str, context: Json) -> str | None:
    denied = iam_evaluator.enforce(
        _request_key.get(),
        action,
        action.partition(":")[0],
        get_region(),
        resource_arn=resource,
        service_context=context,
    )
    if denied is None or isinstance(denied, iam_evaluator.AuthError):
        return None if denied is None else str(denied.message)
    message: str = iam_actions.identity_denial_message(
        action, denied.principal_arn, resource, denied.decision == "Deny"
    )
    return message


def allowed_by_policy(
    document: str | Json, service: str, action: str, resource: str, source_arn: str
) -> bool:
    """Whether a resource's own policy lets a service act on it, on behalf of ``source_arn``."""
    account = get_account_id()
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={"aws:sourceaccount": account, "aws:sourcearn": source_arn or None},
    )
    found = iam_evaluator.evaluate_resource_policy(document, context, service)
    return str(found.decision) == "Allow"


def _trusts(role: Json, service: str, account: str, source_arn: str) -> bool:
    """Whether a role's trust policy, whose statements name no resource, lets a service in."""
    document = role["AssumeRolePolicyDocument"]
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = parsed.get("Statement", [])
    rows = statements if isinstance(statements, list) else [statements]
    policy = {"Statement": [{**row, "Resource": "*"} for row in rows]}
    with request_scope(account, get_region()):
        return allowed_by_policy(policy, service, "sts:AssumeRole", "*", source_arn)


@replaces("core.iam_evaluator.is_root_access_key")
def _is_trusted_blindly(_original: Any, _access_key_id: str) -> bool:
    """Of whose signatures are not verified, there is nobody."""
    return False


@replaces("services.sts._evict_expired_sessions")
def _evict_expired_sessions(_original: Any) -> None:
    tasks = {
        task["taskArn"].rpartition("/")[2]
        for task in ecs._tasks.all_values()
        if task["lastStatus"] != "STOPPED"
    }
    now, real_now = shifted_time.engine_now(), shifted_time.real_now()
    for key in sessions.forgettable(sts._sessions, tasks, now=now, real_now=real_now):
        del sts._sessions[key]


@replaces("core.sigv4.request_time_failure")
def _request_time_failure(_original: Any, _signature: Any, *, now: Any = None) -> None:
    """No date of a signature is wrong."""


def is_known(access_key: str) -> bool:
    """Whether a key is the account's own or was issued here."""
    if access_key in _ROOT_KEYS or access_key in sts._sessions:
        return True
    return bool(access_key) and iam_evaluator.find_iam_access_key_account(access_key) is not None


@replaces("core.iam_evaluator.resolve_credential")
def _credential(
    original: Any, access_key_id: str, account_id: str | None = None, *rest: Any, **named: Any
) -> Any:
    """Root has the engine's keys; whether a session has expired is seen by its holder's clock."""
    account = account_id or get_account_id()
    if access_key_id in _ROOT_KEYS:
        return iam_evaluator.ResolvedCredential(
            access_key_id=access_key_id,
            secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
            account_id=account,
            principal_arn=f"arn:aws:iam::{account}:root",
            principal_id=account,
            principal_type="Root",
            source_access_key_id=access_key_id,
        )
    with shifted_time.at_offset(session_offset(access_key_id)):  # SQS answers by the engine's
        return original(access_key_id, account, *rest, **named)


@replaces("core.iam_evaluator._first_match")
def _first_match(original: Any, context: Any, statements: list[Any], effect: str) -> Any:
    """The first statement that matches, its variables resolved."""

    def value_of(key: str) -> Any:
        return iam_evaluator._resolve_condition_key(key, context)

    resolved = [policy_variables.resolved(statement, value_of) for statement in statements]
    return original(context, resolved, effect)


@replaces("core.iam_evaluator._resolve_condition_key")
def _resolve_condition_key(original: Any, key: str, context: Any) -> Any:
    """Of a role's session, ``aws:PrincipalArn`` is the role itself, with its path.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    value = original(key, context)
    if key.lower() != "aws:principalarn" or ":assumed-role/" not in value:
        return value
    name = value.split("/")[1]
    role = iam._roles.get_scoped(value.split(":")[4], None, name)
    return str(role["Arn"]) if role is not None else value


@replaces("app._dispatch_service_request")
async def _dispatch(
    original: Any, method: str, path: str, headers: Json, body: bytes, query: Json, *rest: Any
) -> Any:
    """Nobody names an action to be judged by, and another one to be done.

    ministack's IAM looks in the query first and never in the path; its services do neither.
    """
    target = headers.get("x-amz-target")
    form = api_requests.form(headers, body)
    named = {*query.get("Action", ()), *filter(None, form.get("Action", ()))}
    if target is not None:
        named.add(target.rpartition(".")[2] if "." in target else "")
    is_operation = "/operation/" in path and (
        router.detect_service(method, path, headers, query) == "monitoring"
    )
    if is_operation or len(named) > 1 or "" in named:
        message = "A request names its action once: in X-Amz-Target, in its form or in its query."
        refusal = {"__type": "InvalidAction", "message": message}
        return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(refusal).encode()
    return await original(method, path, headers, body, query, *rest)


@replaces("core.iam_actions.extract_resource_arn")
def _resource_arn(
    original: Any, service: str, method: str, path: str, headers: Json, body: bytes, *rest: Any
) -> str:
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if service == "ecs" and action == "RunTask":
        return _task_definition_arn(json.loads(body).get("taskDefinition", "*"))
    if service == "ssm" and action == "GetParameters":
        return _parameter_arn(json.loads(body))
    if service == "logs" and action in _ON_LOG_STREAMS:
        group, stream = map(json.loads(body).get, ("logGroupName", "logStreamName"))
        return arn("logs", f"log-group:{group}:log-stream:{stream}")
    if service == "scheduler" and path.startswith("/schedules/"):
        return _schedule_arn(path, body, *rest)
    return str(original(service, method, path, headers, body, *rest))


def _parameter_arn(request: Json) -> str:
    """The first of the parameters: ministack judges a request on one resource."""
    name = str(next(iter(request.get("Names") or ()), "*"))
    return name if name.startswith("arn:") else arn("ssm", f"parameter/{name.removeprefix('/')}")


def _schedule_arn(path: str, body: bytes, query: Json | None = None, *_rest: Any) -> str:
    """The schedule in its group; ministack takes every group for the default one."""
    [group] = (query or {}).get("groupName") or [json.loads(body or b"{}").get("GroupName")]
    return arn("scheduler", f"schedule/{group or 'default'}/{path.split('/')[2]}")


def _task_definition_arn(reference: str) -> str:
    if reference.startswith("arn:"):
        return reference
    found = task_definition.described(reference)
    return found["taskDefinitionArn"] if found else arn("ecs", f"task-definition/{reference}")


@replaces("core.iam_actions.request_tag_context")
def _condition_keys(
    original: Any, service: str, iam_action: str, body: bytes, params: Json
) -> Json:
    keys: Json = dict(original(service, iam_action, body, params))
    if iam_action in _ON_CLUSTERS:
        cluster = json.loads(body).get("cluster", "default")
        is_arn = cluster.startswith("arn:")
        keys["ecs:cluster"] = cluster if is_arn else arn("ecs", f"cluster/{cluster}")
    elif iam_action == "events:PutEvents":
        sources = {str(entry.get("Source", "")) for entry in json.loads(body)["Entries"]}
        keys["events:source"] = sources.pop() if len(sources) == 1 else None
    elif iam_action == "cloudwatch:PutMetricData":
        keys["cloudwatch:namespace"] = _namespace(body, params)
    elif iam_action == "kms:Sign":
        request = json.loads(body)
        keys["kms:SigningAlgorithm"] = request.get("SigningAlgorithm")
        keys["kms:MessageType"] = request.get("MessageType", "RAW")
    return keys


def _namespace(body: bytes, params: Json) -> str | None:
    """The namespace of a PutMetricData, in JSON or in a form."""
    if params.get("Namespace"):
        value = params["Namespace"]
        return str(value[0] if isinstance(value, list) else value)
    try:
        return str(json.loads(body)["Namespace"])
    except (ValueError, KeyError, TypeError):
        return None


@replaces("core.iam_actions.s3_service_context")
def _conditional_writes(
    original: Any,
    iam_action: str,
    query_params: Json | None,
    path: str = "",
    headers: Json | None = None,
) -> Json:
    """S3 tells policies of a conditional write: ``s3:if-none-match`` and ``s3:if-match``.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    keys: Json = dict(original(iam_action, query_params, path, headers))
    for name, value in (headers or {}).items():
        if name.lower() in {"if-none-match", "if-match"}:
            keys[f"s3:{name.lower()}"] = value
    return keys


@replaces("core.iam_actions.access_denied_response")
def _denial(
    original: Any, service: str, action: str, principal_arn: str, request_id: str, **rest: Any
) -> Any:
    """Some services name the resource in their denials: AccessDeniedException, HTTP 400."""
    if service not in _NAME_THE_RESOURCE or rest.get("error_code"):
        return original(service, action, principal_arn, request_id, **rest)
    resource, explicit = rest.get("resource_arn", "*"), rest.get("explicit_deny", False)
    message = iam_actions.identity_denial_message(action, principal_arn, resource, explicit)
    document = {"__type": "AccessDeniedException", "message": message}
    return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()
