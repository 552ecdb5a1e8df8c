"""IAM: whom a role trusts, what it may do by IAM's own simulation, and which roles a task has."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from attrs import frozen

from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.deploying.facts import Role, Unknown
from toolkit.core.errors import ToolkitError

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_iam import IAMClient


# What to say instead of decisions where `--local` is asked.
NO_SIMULATION = Unknown("the embedded AWS simulates no role with a path")
_STORES = ("secretsmanager:", "ssm:")
# The role with which ECS itself acts in an account; the first cluster of an account needs it.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
_ECS, _ECS_ROLE = "ecs.amazonaws.com", "AWSServiceRoleForECS"


@frozen
class PermissionQuestion:
    """May the role do this? ``context`` holds the condition keys that AWS would fill in."""

    action: str
    resource: str
    context: Mapping[str, str] = {}

    @classmethod
    def of_passing(cls, arn: str) -> Self:
        """What AWS asks of who starts a task with this role."""
        return cls("iam:PassRole", arn, {"iam:PassedToService": "ecs-tasks.amazonaws.com"})

    @classmethod
    def of_secret(cls, arn: str) -> Self:
        """What ECS asks for a secret of a container, by the ARN in its task definition.

        To a name Secrets Manager adds six random characters; a JSON key may follow in the ARN:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
        """
        if ":secretsmanager:" not in arn:
            return cls("ssm:GetParameters", arn)
        secret = ":".join(arn.split(":")[:7])
        return cls("secretsmanager:GetSecretValue", f"{secret}-abcdef")

    def __str__(self) -> str:
        whole = self.action.startswith(_STORES)  # a/db and b/db are two secrets
        name = self.resource.split(":", 5)[-1] if whole else self.resource.rpartition("/")[2]
        return f"{self.action} on {name}"


def role(
    aws: Aws, arn: str, service: str, questions: Sequence[PermissionQuestion] | Unknown
) -> Role:
    """A role by its ARN; the caller may lack the permission to simulate, which is no finding."""
    client: IAMClient = aws.client("iam")
    name = arn.rpartition("/")[2]
    with translated(f"role {name}"):
        document: Any = client.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    if isinstance(document, str):
        document = json.loads(unquote(document))
    trusted = any(_trusts(statement, service) for statement in document["Statement"])
    if isinstance(questions, Unknown):
        return Role(name, service, trusted, questions)
    try:
        decisions = {str(question): _ask(client, arn, question) for question in questions}
        return Role(name, service, trusted, decisions)
    except ToolkitError as error:
        return Role(name, service, trusted, Unknown(error.message))


@frozen
class TaskRoles:
    """The roles of a task definition, by ARN, and the ARNs of the secrets that ECS reads for it.

    ``execution`` starts a task, ``task`` is that of its code; empty where there is none.
    """

    execution: str
    task: str
    secrets: tuple[str, ...]


def task_roles(aws: Aws, task_definition: str) -> TaskRoles:
    """What ECS knows of a task definition, by ARN or family."""
    client: ECSClient = aws.client("ecs")
    with translated(f"DescribeTaskDefinition {task_definition}"):
        answer: Any = client.describe_task_definition(taskDefinition=task_definition)
    definition = answer["taskDefinition"]
    secrets = {
        secret["valueFrom"]
        for container in definition["containerDefinitions"]
        for secret in container.get("secrets", ())
    }
    return TaskRoles(
        definition.get("executionRoleArn", ""),
        definition.get("taskRoleArn", ""),
        tuple(sorted(secrets)),
    )


def has_ecs_role(aws: Aws) -> bool:
    """Whether the account has the service-linked role of ECS."""
    from botocore.exceptions import ClientError

    client: IAMClient = aws.client("iam")
    with translated(f"role {_ECS_ROLE}"):
        try:
            client.get_role(RoleName=_ECS_ROLE)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchEntity":
                return False
            raise
    return True


def make_ecs_role(aws: Aws) -> None:
    """Make the service-linked role of ECS; that somebody else just made it is fine."""
    from botocore.exceptions import ClientError

    client: IAMClient = aws.client("iam")
    with translated(f"role {_ECS_ROLE}"):
        try:
            client.create_service_linked_role(AWSServiceName=_ECS)
        except ClientError as error:
            # IAM says InvalidInput, "has been taken in this account".
            if not any(words in str(error) for words in ("has been taken", "already exists")):
                raise


def _ask(client: "IAMClient", arn: str, question: PermissionQuestion) -> str:
    with translated(f"SimulatePrincipalPolicy {question.action}"):
        answer = client.simulate_principal_policy(
            PolicySourceArn=arn,
            ActionNames=[question.action],
            ResourceArns=[question.resource],
            ContextEntries=[
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in question.context.items()
            ],
        )
    return str(answer["EvaluationResults"][0]["EvalDecision"])


def _trusts(statement: Mapping[str, Any], service: str) -> bool:
    principals = statement.get("Principal", {})
    named = principals.get("Service", ()) if isinstance(principals, Mapping) else ()
    services = [named] if isinstance(named, str) else named
    actions = statement.get("Action", ())
    assumes = "sts:AssumeRole" in ([actions] if isinstance(actions, str) else actions)
    return statement.get("Effect") == "Allow" and assumes and service in services
