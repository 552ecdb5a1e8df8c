"""Render what a workload declares for itself into its template: secrets, and its role's statements.

The source template stays as it is; a workload that declares neither is deployed by it. The result
is plain CloudFormation: what is added is JSON, which YAML holds.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from toolkit.core.errors import ConfigError
from toolkit.runtime.catalog import Secret, Workload

_SOURCE = re.compile(
    r"secretsmanager:(?P<secret>[A-Za-z0-9/_+=.@-]+)(:(?P<key>[^:\s]+))?|ssm:(?P<parameter>[A-Za-z0-9/_.-]+)"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ROLE = "      ExecutionRoleArn: !Ref ExecutionRoleArn\n"
_LOGS = "          LogConfiguration:\n"
_TASK = re.compile(r"^  TaskDefinition:\n", re.MULTILINE)
_ARN = "arn:${AWS::Partition}"
_HERE = "${AWS::Region}:${AWS::AccountId}"


def rendered(template: str, workload: Workload, statements: Sequence[Any]) -> str:
    """The template of one workload with its secrets and its role's own statements.

    Args:
        template: the text of `templates/workload.yaml`.
        workload: its secrets become the container's, and an execution role of its own.
        statements: more that its task role may do.
    """
    resources: list[str] = []
    if statements:
        resources.append(_resource("OwnPolicy", _own_policy(statements)))
    if workload.secrets:
        secrets = [_container_secret(workload.name, secret) for secret in workload.secrets]
        template = _replaced(template, _ROLE, "      ExecutionRoleArn: !GetAtt SecretsRole.Arn\n")
        rows = "".join(f"            - {json.dumps(row)}\n" for row in secrets)
        template = _replaced(template, _LOGS, f"          Secrets:\n{rows}{_LOGS}")
        resources.append(_resource("SecretsRole", _execution_role(workload)))
        resources.append(_resource("SecretsKeyPolicy", _KEY_POLICY))
    found = _TASK.search(template)
    if found is None:
        raise _no_place("TaskDefinition")
    return template[: found.start()] + "".join(resources) + template[found.start() :]


def source_of(workload: str, secret: Secret) -> re.Match[str]:
    """The parts of a secret's source; raises ConfigError for one that is none."""
    where = f"catalog.toml, [workloads.{workload}.secrets]"
    if _VARIABLE.fullmatch(secret.name) is None:
        raise ConfigError(f"{where}: {secret.name!r} is not a variable name")
    match = _SOURCE.fullmatch(secret.source) if isinstance(secret.source, str) else None
    if match is None:
        raise ConfigError(
            f"{where}: {secret.name} does not name a secret",
            hint='write "secretsmanager:prod/db", "secretsmanager:prod/db:json-key" or '
            '"ssm:/prod/db"; the value itself stays where it is',
        )
    return match


def _container_secret(workload: str, secret: Secret) -> dict[str, Any]:
    match = source_of(workload, secret)
    if match["parameter"]:
        return {"Name": secret.name, "ValueFrom": _parameter_arn(match["parameter"])}
    arn = f"{_ARN}:secretsmanager:{_HERE}:secret:{match['secret']}"
    text = f"{arn}:{match['key']}::" if match["key"] else arn
    return {"Name": secret.name, "ValueFrom": {"Fn::Sub": text}}


def _parameter_arn(name: str) -> dict[str, str]:
    return {"Fn::Sub": f"{_ARN}:ssm:{_HERE}:parameter/{name.removeprefix('/')}"}


def _reading(workload: Workload) -> list[dict[str, Any]]:
    """Statements for exactly these secrets. A secret's ARN ends with six random characters.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
    """
    matches = [source_of(workload.name, secret) for secret in workload.secrets]
    secrets = sorted({match["secret"] for match in matches if match["secret"]})
    parameters = sorted({match["parameter"] for match in matches if match["parameter"]})
    rows: list[dict[str, Any]] = []
    if secrets:
        arns = [f"{_ARN}:secretsmanager:{_HERE}:secret:{name}-??????" for name in secrets]
        rows.append(_allow("ReadSecrets", "secretsmanager:GetSecretValue", arns))
    if parameters:
        arns = [_parameter_arn(name)["Fn::Sub"] for name in parameters]
        rows.append(_allow("ReadParameters", "ssm:GetParameters", arns))
    return rows


def _allow(sid: str, action: Any, arns: Sequence[str]) -> dict[str, Any]:
    resources = [{"Fn::Sub": arn} for arn in arns]
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resources}


def _execution_role(workload: Workload) -> dict[str, Any]:
    group = f"{_ARN}:logs:{_HERE}:log-group:/${{AppName}}/${{WorkloadName}}:*"
    pull = ["BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"]
    repositories = [
        f"{_ARN}:ecr:{_HERE}:repository/*",
        f"{_ARN}:ecr:${{AWS::Region}}:*:repository/aws-guardduty-agent-fargate",
    ]
    login = {
        "Sid": "LogIn",
        "Effect": "Allow",
        "Action": "ecr:GetAuthorizationToken",
        "Resource": "*",
    }
    rows = [
        _allow("PullImages", [f"ecr:{name}" for name in pull], repositories),
        login,
        _allow("WriteOwnLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [group]),
        *_reading(workload),
    ]
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            "ArnLike": {"aws:SourceArn": {"Fn::Sub": f"{_ARN}:ecs:{_HERE}:*"}},
        },
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            # The scheduler may pass what is below .../task/.
            "Path": {"Fn::Sub": "/${AppName}/${AWS::Region}/task/"},
            "Description": {"Fn::Sub": "ECS starts runs of ${WorkloadName} with their secrets"},
            "PermissionsBoundary": {
                "Fn::If": [
                    "HasBoundary",
                    {"Ref": "PermissionsBoundaryArn"},
                    {"Ref": "AWS::NoValue"},
                ]
            },
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {
                    "PolicyName": "start-with-secrets",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": rows},
                }
            ],
            "Tags": [
                {"Key": "app", "Value": {"Ref": "AppName"}},
                {"Key": "workload", "Value": {"Ref": "WorkloadName"}},
            ],
        },
    }


# AWS's own keys for secrets need no permission; the customer's does.
_KEY_POLICY: dict[str, Any] = {
    "Type": "AWS::IAM::Policy",
    "Condition": "HasKey",
    "Properties": {
        "Roles": [{"Ref": "SecretsRole"}],
        "PolicyName": "use-the-key",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "DecryptSecrets",
                    "Effect": "Allow",
                    "Action": "kms:Decrypt",
                    "Resource": {"Ref": "KmsKeyArn"},
                    "Condition": {
                        "StringEquals": {
                            "kms:ViaService": [
                                {"Fn::Sub": "secretsmanager.${AWS::Region}.amazonaws.com"},
                                {"Fn::Sub": "ssm.${AWS::Region}.amazonaws.com"},
                            ]
                        }
                    },
                }
            ],
        },
    },
}


def _own_policy(statements: Sequence[Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "Roles": [{"Ref": "TaskRole"}],
            "PolicyName": "own",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        },
    }


def _resource(name: str, body: dict[str, Any]) -> str:
    lines = json.dumps(body, indent=2).splitlines()
    return f"  {name}:\n" + "".join(f"    {line}\n" for line in lines) + "\n"


def _replaced(template: str, place: str, text: str) -> str:
    if template.count(place) != 1:
        raise _no_place(place.strip())
    return template.replace(place, text)


def _no_place(words: str) -> ConfigError:
    return ConfigError(
        f"templates/workload.yaml cannot take secrets and policies: {words!r} is missing",
        hint="start from the toolkit's own: toolkit init --eject writes it",
    )
