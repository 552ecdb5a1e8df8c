"""What AWS does with the secrets of a container definition and with platforms, said as tests.

Each test names AWS's page, and runs against the embedded AWS. The same functions run on a real
account with

    TOOLKIT_CONFORMANCE_APP=<app> pytest -m aws tests/functional/local

where `<app>-platform` is a deployed platform stack in public network mode. They run a few of the
smallest tasks and remove what they made. Where ours differs from AWS, docs/local.md says so.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from .account import Account

PREFIX = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
    "retrieval failed: unable to retrieve "
)


@pytest.fixture(scope="module")
def stored(account: Account) -> Iterator[dict[str, str]]:
    """A parameter, a secret of two keys, and an execution role that may read them, by ARN."""
    name = f"conformance-{uuid.uuid4().hex[:8]}"
    ssm, manager = account.client("ssm"), account.client("secretsmanager")
    ssm.put_parameter(Name=f"/{name}/token", Value="from ssm", Type="SecureString")
    document = json.dumps({"user": "somebody", "port": 443})
    secret = manager.create_secret(Name=name, SecretString=document)["ARN"]
    parts = secret.split(":")
    parameter = f"arn:aws:ssm:{parts[3]}:{parts[4]}:parameter/{name}/token"
    iam = account.client("iam")
    role = execution_role(account, name, [parameter, secret])
    yield {"parameter": parameter, "secret": secret, "role": role, "name": f"/{name}/token"}
    ssm.delete_parameter(Name=f"/{name}/token")
    manager.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def execution_role(account: Account, name: str, readable: list[str]) -> str:
    """The platform's execution role once more, and it may read these."""
    iam = account.client("iam")
    known = account.platform["ExecutionRoleArn"].rsplit("/", 1)[-1]
    trust = iam.get_role(RoleName=known)["Role"]["AssumeRolePolicyDocument"]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    for policy in iam.list_role_policies(RoleName=known)["PolicyNames"]:
        found = iam.get_role_policy(RoleName=known, PolicyName=policy)["PolicyDocument"]
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(found))
    statement = {
        "Effect": "Allow",
        "Action": ["ssm:GetParameters", "secretsmanager:GetSecretValue"],
        "Resource": readable,
    }
    iam.put_role_policy(
        RoleName=name,
        PolicyName="read",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    return str(arn)


def run(account: Account, script: str, role: str, **sources: str) -> dict[str, Any]:
    """A task with these secrets, stopped."""
    rows = [{"name": name, "valueFrom": source} for name, source in sources.items()]
    container = {
        "name": "main",
        "image": account.image,
        "entryPoint": ["python"],
        "command": ["-c", script],
        "secrets": rows,
    }
    definition = account.register(containerDefinitions=[container], executionRoleArn=role)
    answer = account.client("ecs").run_task(**account.request(definition))
    return account.stopped(answer["tasks"][0]["taskArn"])


def test_secrets_stand_in_the_environment(account: Account, stored: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html"""
    expected = {
        "BY_ARN": "from ssm",
        "BY_NAME": "from ssm",
        "WHOLE": '{"user": "somebody", "port": 443}',
        "KEY": "somebody",
        "STAGED": "443",
    }
    script = f"import os, sys; sys.exit(0 if {expected!r}.items() <= os.environ.items() else 9)"
    task = run(
        account,
        script,
        stored["role"],
        BY_ARN=stored["parameter"],
        BY_NAME=stored["name"],
        WHOLE=stored["secret"],
        KEY=f"{stored['secret']}:user::",
        STAGED=f"{stored['secret']}:port:AWSCURRENT:",
    )
    assert task["containers"][0].get("exitCode") == 0, task.get("stoppedReason")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "/no/such/parameter",
            "secrets from ssm: service call has been retried 1 time(s): AccessDeniedException",
        ),
        (
            "{parameter}-2",
            "secrets from ssm: service call has been retried 1 time(s): AccessDeniedException",
        ),
        (
            "{secret}:nobody::",
            (
                "secret from asm: service call has been retried 1 time(s): retrieved secret from "
                "Secrets Manager did not contain json key nobody"
            ),
        ),
        (
            "{secret}::AWSPENDING:",
            (
                "secret from asm: service call has been retried 1 time(s): failed to fetch secret "
                "{secret} from secrets manager: ResourceNotFoundException: Secrets Manager can't "
                "find the specified secret value for staging label: AWSPENDING"
            ),
        ),
    ],
)
def test_a_secret_that_cannot_be_read_keeps_the_task_from_starting(
    account: Account, stored: dict[str, str], source: str, words: str
) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html"""
    task = run(account, "", stored["role"], SECRET=source.format_map(stored))
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith(PREFIX + words.format_map(stored))
    assert "exitCode" not in task["containers"][0]


def test_a_role_that_may_read_a_parameter_does_not_make_it_exist(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html"""
    name = f"conformance-{uuid.uuid4().hex[:8]}"
    role = execution_role(account, name, ["*"])
    task = run(account, "", role, SECRET=f"/{name}/none")
    assert task["stoppedReason"] == (
        f"{PREFIX}secrets from ssm: service call has been retried 1 time(s): invalid ssm "
        f"parameters: /{name}/none"
    )
    iam = account.client("iam")
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def test_secrets_are_read_with_the_execution_role(account: Account, stored: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""
    role = account.platform["ExecutionRoleArn"]
    task = run(account, "", role, SECRET=stored["secret"])
    denied = "is not authorized to perform: secretsmanager:GetSecretValue on resource: "
    assert f"{denied}{stored['secret']} because no identity-based policy" in task["stoppedReason"]


def test_secrets_need_an_execution_role(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html"""
    container = {
        "name": "main",
        "image": account.image,
        "secrets": [{"name": "TOKEN", "valueFrom": "/token"}],
    }
    ecs = account.client("ecs")
    with pytest.raises(ecs.exceptions.ClientException, match="'executionRoleArn'"):
        account.register(executionRoleArn="", containerDefinitions=[container])


def test_a_secret_takes_no_name_of_another_variable(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html"""
    container = {
        "name": "main",
        "image": account.image,
        "environment": [{"name": "TOKEN", "value": "x"}],
        "secrets": [{"name": "TOKEN", "valueFrom": "/token"}],
    }
    ecs = account.client("ecs")
    with pytest.raises(ecs.exceptions.ClientException, match="must be unique"):
        account.register(containerDefinitions=[container])
