"""The actions that CloudFormation takes to make, change and delete what the templates name.

From AWS's own schemas of the resource types, which cfn-lint ships. As a list in JSON.
"""

import json
from pathlib import Path

from cfnlint.decode import decode
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

TEMPLATES = Path(__file__).parents[1] / "templates"
REGION = "us-east-1"


def actions() -> list[str]:
    """Every action, sorted."""
    found: set[str] = set()
    for path in TEMPLATES.glob("*.yaml"):
        template, _ = decode(str(path))
        for resource in template["Resources"].values():
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource["Type"]).schema
            for handler in schema.get("handlers", {}).values():
                found.update(handler.get("permissions", ()))
    return sorted(found)


if __name__ == "__main__":
    print(json.dumps(actions(), indent=1))
