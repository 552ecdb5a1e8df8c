"""Render a template as CloudFormation would, for given parameters.

Names that only AWS can know become symbols: ``!Ref Bucket`` is ``Bucket``, ``!GetAtt Bucket.Arn``
is ``Bucket.Arn``. Everything else is computed.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import decode

TEMPLATES = Path(__file__).parents[1] / "templates"
REGION, ACCOUNT = "eu-central-1", "123456789012"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
}
NAMES = sorted(path.stem for path in TEMPLATES.glob("*.yaml"))
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
WORKLOAD: dict[str, Any] = {
    "AppName": "demo",
    "WorkloadName": "weather",
    "ImageUri": "registry.example/demo@sha256:" + "0" * 64,
    "Cpu": 512,
    "Memory": 1024,
    "MaxRuntimeSeconds": 900,
    "CatalogDigest": "0" * 64,
    "BucketName": "the-bucket",
    "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/demo/{REGION}/execution",
}
SCHEDULE: dict[str, Any] = {
    "AppName": "demo",
    "ScheduleName": "weather-eu",
    "ScheduleExpression": "cron(0 6 * * ? *)",
    "Input": '{"containerOverrides": []}',
    "TaskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/demo-weather:1",
    "DeadLetterQueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:letters",
    "ClusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/demo",
    "ScheduleGroupName": "demo",
    "SchedulerRoleArn": f"arn:aws:iam::{ACCOUNT}:role/demo/{REGION}/scheduler",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "SecurityGroupId": "sg-0123456789abcdef0",
    "AssignPublicIp": "ENABLED",
}
AUDIT: dict[str, Any] = {
    **WORKLOAD,
    "WorkloadName": "audit",
    "ClusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/demo",
    "ClusterName": "demo",
    "DeadLetterQueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:letters",
    "DeadLetterQueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/letters",
    "LifecycleLogGroupName": "/aws/events/demo/lifecycle",
    "NotificationTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:demo-topic",
    "ScheduleGroupName": "demo",
}
REQUIRED = {
    "audit": AUDIT,
    "platform": {"AppName": "demo"},
    "workload": WORKLOAD,
    "schedule": SCHEDULE,
    "log": {"AppName": "demo", "WorkloadName": "weather"},
}
_NOTHING = object()


@cache
def load(name: str) -> dict[str, Any]:
    """The template as it is written, short forms spelled out; shared, so do not change it."""
    template, problems = decode(str(TEMPLATES / f"{name}.yaml"))
    assert not problems, problems
    return template


def render(name: str, **parameters: Any) -> dict[str, Any]:
    """The resources and outputs that come of these parameters and, for others, the usual ones."""
    return _Renderer(load(name), REQUIRED[name] | parameters).render()


def resources(name: str, **parameters: Any) -> dict[str, Any]:
    """The resources of `render`."""
    rendered: dict[str, Any] = render(name, **parameters)["Resources"]
    return rendered


def properties(name: str, resource: str, **parameters: Any) -> Any:
    """The properties of one resource."""
    return resources(name, **parameters)[resource]["Properties"]


def accepts(template: str, parameter: str, value: str) -> bool:
    """Whether a parameter's pattern takes the value."""
    pattern = load(template)["Parameters"][parameter]["AllowedPattern"]
    return re.fullmatch(pattern, value) is not None


class _Renderer:
    def __init__(self, template: dict[str, Any], parameters: dict[str, Any]) -> None:
        self._template = template
        declared = template["Parameters"]
        missing = [key for key in declared if "Default" not in declared[key]]
        assert set(missing) <= set(parameters) <= set(declared), (missing, parameters)
        defaults = {key: value.get("Default") for key, value in declared.items()}
        self._values = {key: str(value) for key, value in (defaults | parameters).items()}

    def render(self) -> dict[str, Any]:
        resources = {
            key: self._resolve(resource)
            for key, resource in self._template["Resources"].items()
            if "Condition" not in resource or self._holds({"Condition": resource["Condition"]})
        }
        outputs = {
            key: self._resolve(output["Value"])
            for key, output in self._template["Outputs"].items()
            if "Condition" not in output or self._holds({"Condition": output["Condition"]})
        }
        return {"Resources": resources, "Outputs": outputs}

    def _resolve(self, node: Any) -> Any:
        if isinstance(node, list):
            return [item for item in map(self._resolve, node) if item is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), *_ = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._call(function, argument)
        items = {key: self._resolve(value) for key, value in node.items()}
        return {key: value for key, value in items.items() if value is not _NOTHING}

    def _call(self, function: str, argument: Any) -> Any:
        if function == "Ref":
            return self._reference(argument)
        if function == "Fn::If":
            condition, yes, no = argument
            return self._resolve(yes if self._holds({"Condition": condition}) else no)
        if function == "Fn::GetAtt":
            return ".".join(argument) if isinstance(argument, list) else argument
        if function == "Fn::Sub":
            # ${!literal} stays a literal.
            def fill(match: re.Match[str]) -> str:
                name = match[1]
                return f"${{{name[1:]}}}" if name[0] == "!" else str(self._reference(name))

            return re.sub(r"\$\{([^}]+)\}", fill, argument)
        if function == "Fn::Join":
            return argument[0].join(self._resolve(argument[1]))
        if function in {"Fn::Select", "Fn::Cidr", "Fn::GetAZs"}:
            return {function: self._resolve(argument)}
        raise AssertionError(f"{function} is not known here")

    def _reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        return PSEUDO.get(name) or self._values.get(name, name)

    def _holds(self, node: Any) -> bool:
        ((function, argument),) = node.items()
        if function == "Condition":
            return self._holds(self._template["Conditions"][argument])
        if function == "Fn::Not":
            return not self._holds(argument[0])
        if function == "Fn::And":
            return all(map(self._holds, argument))
        if function == "Fn::Equals":
            left, right = map(self._resolve, argument)
            return str(left) == str(right)
        raise AssertionError(f"{function} is not known here")
