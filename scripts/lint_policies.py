"""Hold the templates' policies against parliament and cloudsplaining: what `make policies` runs.

It runs in an environment of its own and reads the policies that `--export` wrote there: rendering
needs cfn-lint, which these tools do not go with.

    python -m scripts.lint_policies --export DIR   # with the development environment
    python scripts/lint_policies.py DIR            # with parliament and cloudsplaining
"""

import json
import sys
from pathlib import Path
from typing import Any

# Each with its reason; everything else is a finding.
ACCEPTED = {
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
    ("cloudsplaining", "ecr:GetAuthorizationToken"): "the login names no resource",
    # The key is text that holds an ARN, and the operator matches it as one.
    ("parliament", "MISMATCHED_TYPE"): "kms:EncryptionContext under ArnLike, as AWS documents it",
}


def export(directory: Path) -> None:
    """Write each policy of the roles, rendered with everything turned on."""
    from tests.cloudformation import ACCOUNT, KEY, REGION, resources

    chosen = {
        "platform": {"NetworkMode": "private", "KmsKeyArn": KEY},
        "workload": {"KmsKeyArn": KEY},
    }
    directory.mkdir(parents=True, exist_ok=True)
    names = {
        "Repository.Arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/demo",
        "ExecutionRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/demo/{REGION}/execution",
        "DeadLetterQueue.Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:letters",
        "Cluster.Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/demo",
    }
    for template, parameters in chosen.items():
        for name, resource in resources(template, **parameters).items():
            if resource["Type"] not in {"AWS::IAM::Role", "AWS::IAM::Policy"}:
                continue
            properties = resource["Properties"]
            documents = [row["PolicyDocument"] for row in properties.get("Policies", ())]
            documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
            for number, document in enumerate(documents):
                text = json.dumps(document, indent=1)
                for symbol, arn in names.items():
                    text = text.replace(f'"{symbol}"', f'"{arn}"')
                (directory / f"{template}-{name}-{number}.json").write_text(text)


def findings(path: Path) -> list[tuple[str, str, str]]:
    """What the two tools say of a policy: tool, kind, detail."""
    import parliament
    from cloudsplaining.scan.policy_document import PolicyDocument

    text = path.read_text()
    said = parliament.analyze_policy_string(text).findings
    found = [("parliament", str(row.issue), str(row.detail or row.location)) for row in said]
    scanned: Any = PolicyDocument(json.loads(text))
    for kind in (
        "infrastructure_modification",
        "permissions_management_without_constraints",
        "credentials_exposure",
        "service_wildcard",
    ):
        found += [("cloudsplaining", str(action), kind) for action in getattr(scanned, kind, ())]
    found += [
        ("cloudsplaining", str(action), "without a resource")
        for action in scanned.all_allowed_unrestricted_actions
    ]
    for group in ("allows_privilege_escalation", "allows_data_exfiltration_actions"):
        found += [("cloudsplaining", str(row), group) for row in getattr(scanned, group, ())]
    return found


def main() -> int:
    """The exit code: 1 for a finding that is not accepted."""
    if sys.argv[1:2] == ["--export"]:
        export(Path(sys.argv[2]))
        return 0
    paths = sorted(Path(sys.argv[1]).glob("*.json"))
    bad = 0
    for path in paths:
        for tool, kind, detail in findings(path):
            reason = ACCEPTED.get((tool, kind))
            bad += reason is None
            print(
                f"{path.name}: {tool}: {kind}: {detail}"
                + (f" (accepted: {reason})" if reason else "")
            )
    print(f"{len(paths)} policies, {bad} findings")
    return 1 if bad or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
