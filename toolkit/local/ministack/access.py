"""Who may do what: ministack's IAM evaluator, made to fit a laptop.

ministack runs with ``AUTH=true``, so every call with a role's credentials is judged by that role's
policies. What is mended here:

- The account's root has the keys that the engine made, and their signatures are verified like any
  other's. ministack would take any key for root's, without a look at the signature.
- Services assume roles (`assume_role`), judged by the role's trust policy with the service as the
  principal and ``aws:SourceAccount`` and ``aws:SourceArn`` as the context.
- ``ecs:RunTask`` is judged on the task definition with ``ecs:cluster`` in the context, and passes
  roles only as far as ``iam:PassRole`` allows; calls on a log stream are judged on that stream.
- A signature's date is not compared with the clock: a task's clock may be days ahead.
- A bucket's policy may ask for conditional writes (``s3:if-none-match``).
- Calls count as made over TLS (``aws:SecureTransport``): they never leave the machine.
"""

import base64
import contextvars
import json
import os
import secrets
from collections.abc import Iterator
from typing import Any

from ministack.core import iam_actions, iam_evaluator, sigv4
from ministack.core.responses import get_account_id, get_region

from . import shifted_time

Json = dict[str, Any]

_SESSION_SECONDS = 12 * 3600
_TASKS_SERVICE = "ecs-tasks.amazonaws.com"
_ON_LOG_STREAMS = frozenset({"CreateLogStream", "PutLogEvents", "GetLogEvents", "DeleteLogStream"})
_NAME_THE_RESOURCE = frozenset({"ecs", "secretsmanager"})
_ROOT_KEYS = frozenset({os.environ["AWS_ACCESS_KEY_ID"], os.environ["TOOLKIT_ENGINE_KEY"]})
_request_key: contextvars.ContextVar[str] = contextvars.ContextVar("request_key", default="")


def set_request_key(access_key: str) -> None:
    """Remember whose request this is."""
    _request_key.set(access_key)


def session_offset(access_key: str) -> float | None:
    """The clock offset of the task or firing that holds these credentials."""
    from ministack.services import sts

    offset: float | None = sts._sessions.get(access_key, {}).get("_offset")
    return offset


def session_name(access_key: str) -> str:
    """What a role's session is called; it holds a task's id or a schedule's name."""
    from ministack.services import sts

    return str(sts._sessions.get(access_key, {}).get("Arn", "")).rpartition("/")[2]


def assume_role(
    role_arn: str, service: str, session: str, source_arn: str, offset: float
) -> tuple[int, Json]:
    """Credentials of a role for a service such as ``scheduler.amazonaws.com``.

    Requests that are signed with them are served at ``offset``. Answers 403 when the role is
    missing or its trust policy does not let the service in:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    from ministack.services import iam, sts

    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account, None, name)
    if role is None or not _trusts(role["AssumeRolePolicyDocument"], service, account, source_arn):
        message = f"{service} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        return 403, {"code": "AccessDeniedException", "message": message}
    shifted_time.set_request_offset(offset)
    expires = shifted_time.now() + _SESSION_SECONDS
    credentials = {
        "AccessKeyId": f"ASIA{base64.b32encode(secrets.token_bytes(10)).decode()}",
        "SecretAccessKey": secrets.token_urlsafe(30),
        "Token": secrets.token_urlsafe(64),
    }
    sts.register_session(
        credentials["AccessKeyId"],
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
            "UserId": f"{role['RoleId']}:{session}",
            "SecretAccessKey": credentials["SecretAccessKey"],
            "SessionToken": credentials["Token"],
            "Expiration": expires,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
            "SourcePrincipalArn": service,
            "_offset": offset,
        },
    )
    return 200, {**credentials, "Expiration": expires}


def trusted_by_tasks(role_arn: str) -> bool:
    """Whether a task may run with this role."""
    from ministack.services import iam

    account = get_account_id()
    role = iam._roles.get_scoped(account, None, role_arn.rsplit("/", 1)[-1])
    source = f"arn:aws:ecs:{get_region()}:{account}:*"
    return role is not None and _trusts(
        role["AssumeRolePolicyDocument"], _TASKS_SERVICE, account, source
    )


def pass_role_denial(role_arn: str) -> str | None:
    """AWS's words when the caller may not hand this role to a task, or None."""
    return _denial_of("iam:PassRole", role_arn, {"iam:passedtoservice": _TASKS_SERVICE})


def tagging_denial(cluster: str) -> str | None:
    """AWS's words when the caller may not tag the tasks that it runs, or None.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
    """
    task = f"arn:aws:ecs:{get_region()}:{get_account_id()}:task/{cluster}/*"
    return _denial_of("ecs:TagResource", task, {"ecs:createaction": "RunTask"})


def _denial_of(action: str, resource: str, context: Json) -> str | None:
    denied = iam_evaluator.enforce(
        _request_key.get(),
        action,
        action.partition(":")[0],
        get_region(),
        resource_arn=resource,
        service_context=context,
    )
    if denied is None:
        return None
    if isinstance(denied, iam_evaluator.AuthError):
        return str(denied.message)
    return str(
        iam_actions.identity_denial_message(
            action, denied.principal_arn, resource, denied.decision == "Deny"
        )
    )


def allowed_by_policy(
    document: str | Json, service: str, action: str, resource: str, source_arn: str
) -> bool:
    """Whether a resource's own policy lets a service act on it, on behalf of ``source_arn``."""
    context = _service_context(service, action, resource, get_account_id(), source_arn)
    return _any_statement_allows(document, service, context)


def _trusts(document: str | Json, service: str, account: str, source_arn: str) -> bool:
    context = _service_context(service, "sts:AssumeRole", "*", account, source_arn)
    return _any_statement_allows(document, service, context)


def _service_context(
    service: str, action: str, resource: str, account: str, source_arn: str
) -> iam_evaluator.EvalContext:
    keys = {"aws:sourceaccount": account, "aws:sourcearn": source_arn or None}
    return iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context=keys,
    )


def _any_statement_allows(
    document: str | Json, service: str, context: iam_evaluator.EvalContext
) -> bool:
    allowed = False
    for statement in _statements(document):
        if not iam_evaluator._service_principal_matches(statement.get("Principal"), service):
            continue
        actions = _listed(statement.get("Action"))
        if not any(iam_evaluator.fnmatch_iam(context.action, action) for action in actions):
            continue
        resources = _listed(statement.get("Resource", "*"))
        if not any(iam_evaluator.fnmatch_iam_cs(context.resource_arn, one) for one in resources):
            continue
        if not iam_evaluator._conditions_met(statement.get("Condition", {}), context):
            continue
        if statement.get("Effect") == "Deny":
            return False
        allowed = True
    return allowed


def _statements(document: str | Json) -> Iterator[Json]:
    parsed = json.loads(document) if isinstance(document, str) else document
    yield from _listed(parsed.get("Statement", []))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def install() -> None:
    """Mend ministack's access control."""
    iam_evaluator.is_root_access_key = lambda access_key: access_key in _ROOT_KEYS
    iam_evaluator._is_root_key = lambda _access_key: False  # whose signatures it does not verify
    from ministack.services import sts

    sts.is_root_access_key = iam_evaluator.is_root_access_key
    pin_origin = iam_evaluator.pin_request_origin
    iam_evaluator.pin_request_origin = lambda address, _: pin_origin(address, secure_transport=True)
    # It would throw sessions away by the time of whoever asks for a new one, maybe days ahead.
    sts._evict_expired_sessions = lambda: None
    iam_evaluator.resolve_credential = _by_its_own_clock(iam_evaluator.resolve_credential)
    sigv4.request_time_failure = lambda _signature, *, now=None: None  # noqa: ARG005
    iam_actions.extract_resource_arn = _resource_arn(iam_actions.extract_resource_arn)
    iam_actions.request_tag_context = _condition_keys(iam_actions.request_tag_context)
    iam_actions.s3_service_context = _conditional_writes(iam_actions.s3_service_context)
    iam_actions.access_denied_response = _denial(iam_actions.access_denied_response)


def is_known(access_key: str) -> bool:
    """Whether a key is the account's own or was issued here."""
    from ministack.services import iam, sts

    if access_key in _ROOT_KEYS or access_key in sts._sessions:
        return True
    return any(key == access_key for _account, key in iam._access_keys.to_dict())


def _by_its_own_clock(original: Any) -> Any:
    """Whether a session has expired is seen by its holder's clock; SQS answers by the engine's."""

    def resolve(access_key_id: str, *rest: Any, **named: Any) -> Any:
        with shifted_time.at_offset(session_offset(access_key_id)):
            return original(access_key_id, *rest, **named)

    return resolve


def _resource_arn(original: Any) -> Any:
    def extract(
        service: str, method: str, path: str, headers: Json, body: bytes, *rest: Any
    ) -> str:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if service == "ecs" and action == "RunTask":
            return _task_definition_arn(json.loads(body).get("taskDefinition", "*"))
        if service == "ssm" and action == "GetParameters":
            return _parameter_arn(json.loads(body))
        if service == "logs" and action in _ON_LOG_STREAMS:
            return _log_stream_arn(json.loads(body))
        return str(original(service, method, path, headers, body, *rest))

    return extract


def _parameter_arn(request: Json) -> str:
    """The first of the parameters: ministack judges a request on one resource."""
    name = str(next(iter(request.get("Names") or ()), "*"))
    if name.startswith("arn:"):
        return name
    return f"arn:aws:ssm:{get_region()}:{get_account_id()}:parameter/{name.removeprefix('/')}"


def _log_stream_arn(request: Json) -> str:
    group, stream = request.get("logGroupName"), request.get("logStreamName")
    return f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:log-stream:{stream}"


def _task_definition_arn(reference: str) -> str:
    from ministack.services import ecs

    if reference.startswith("arn:"):
        return reference
    key = ecs._resolve_td_key(reference) or reference
    return f"arn:aws:ecs:{get_region()}:{get_account_id()}:task-definition/{key}"


def _condition_keys(original: Any) -> Any:
    def context(service: str, iam_action: str, body: bytes, params: Json) -> Json:
        keys: Json = dict(original(service, iam_action, body, params))
        if iam_action == "ecs:RunTask":
            cluster = json.loads(body).get("cluster", "default")
            if not cluster.startswith("arn:"):
                cluster = f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/{cluster}"
            keys["ecs:cluster"] = cluster
        return keys

    return context


def _conditional_writes(original: Any) -> Any:
    """S3 tells policies of a conditional write: ``s3:if-none-match`` and ``s3:if-match``.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """

    def context(
        iam_action: str, query_params: Json | None, path: str = "", headers: Json | None = None
    ) -> Json:
        keys: Json = dict(original(iam_action, query_params, path, headers))
        for name, value in (headers or {}).items():
            if name.lower() in {"if-none-match", "if-match"}:
                keys[f"s3:{name.lower()}"] = value
        return keys

    return context


def _denial(original: Any) -> Any:
    """Some services name the resource in their denials: AccessDeniedException, HTTP 400."""

    def respond(service: str, action: str, principal_arn: str, request_id: str, **rest: Any) -> Any:
        if service not in _NAME_THE_RESOURCE or rest.get("error_code"):
            return original(service, action, principal_arn, request_id, **rest)
        message = iam_actions.identity_denial_message(
            action, principal_arn, rest.get("resource_arn", "*"), rest.get("explicit_deny", False)
        )
        document = {"__type": "AccessDeniedException", "message": message}
        return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()

    return respond
