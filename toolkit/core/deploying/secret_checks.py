"""Can ECS read the secrets that the workloads name? One check a secret."""

from collections.abc import Iterator

from toolkit.core.checks import Check, Status, worst
from toolkit.core.deploying.facts import Facts, SecretUse, Unknown

_LOCAL = 'eval "$(toolkit local env)"; '
_SECRETS_MANAGER = "secretsmanager"


def secret_checks(facts: Facts) -> Iterator[Check]:
    """The tree of the workloads' secrets; nothing where there are none."""
    if facts.secrets:
        prefix = _LOCAL if facts.local else ""
        children = tuple(_check(name, use, prefix) for name, use in sorted(facts.secrets.items()))
        bad = [child for child in children if child.status is not Status.OK]
        detail = f"{len(bad)} of {len(children)}" if bad else f"all {len(children)} can be read"
        yield Check("secrets", worst(child.status for child in children), detail, children)


def _check(name: str, use: SecretUse | Unknown, prefix: str) -> Check:
    if isinstance(use, Unknown):
        return Check(name, Status.WARN, f"not known: {use.reason}")
    problem = _problem(use)
    if problem is not None:
        detail, hint = problem
        return Check(name, Status.FAIL, f"{use.source} {detail}", hint=f"{prefix}{hint}")
    stored = use.stored
    if isinstance(stored.has_key, Unknown):
        detail = f"{use.source} is there; its JSON key is not known: {stored.has_key.reason}"
        return Check(name, Status.WARN, detail)
    if stored.kms_key and not _is_same_key(stored.kms_key, use.allowed_key):
        return _by_another_key(name, use)
    return Check(name, Status.OK, f"{use.source} is there")


def _problem(use: SecretUse) -> tuple[str, str] | None:
    """Why ECS could not read it, and the command that helps."""
    stored, secret = use.stored, _name(use.source)
    at = f"--region {stored.region}"
    named = f"--secret-id {secret} {at}"
    if not stored.present:
        return f"is not in {stored.region}, where the tasks look for it", _creating(use.source, at)
    if stored.deleted:
        return "is scheduled for deletion", f"aws secretsmanager restore-secret {named}"
    if not stored.current:
        hint = f"aws secretsmanager put-secret-value {named} --secret-string file://FILE"
        return "has no current version", hint
    if stored.has_key is False:
        key = use.source.split(":")[2]
        hint = f"aws secretsmanager put-secret-value {named} --secret-string file://FILE"
        return f"holds no JSON object with the key {key}", hint
    return None


def _creating(source: str, at: str) -> str:
    name = _name(source)
    if source.startswith(_SECRETS_MANAGER):
        return f"aws secretsmanager create-secret --name {name} {at} --secret-string file://FILE"
    return f"aws ssm put-parameter --name {name} {at} --type SecureString --value file://FILE"


def _by_another_key(name: str, use: SecretUse) -> Check:
    """Of a key that is named otherwise than the app's nobody knows whether it is the same."""
    key = use.stored.kms_key
    hint = "encrypt it with AWS's own key, or with the app's KmsKeyArn (docs/adding-a-workload.md)"
    if use.allowed_key and "alias/" in key:
        detail = f"{use.source} is encrypted with {key}; whether that is KmsKeyArn is not known"
        return Check(name, Status.WARN, detail, hint=hint)
    detail = f"{use.source} is encrypted with {key}, which its execution role may not use"
    return Check(name, Status.FAIL, detail, hint=hint)


def _is_same_key(key: str, allowed: str) -> bool:
    """Whether the id or ARN of a key is that of the allowed ARN."""
    return bool(allowed) and key.rpartition("/")[2] == allowed.rpartition("/")[2]


def _name(source: str) -> str:
    """The name in its store: ``prod/db`` of ``secretsmanager:prod/db:key``."""
    service, name, *_ = source.split(":")
    if service == _SECRETS_MANAGER or "/" not in name:
        return name
    return f"/{name.removeprefix('/')}"
