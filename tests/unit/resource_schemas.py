"""The table of template properties, made of AWS's resource schemas as cfn-lint has them.

``python -m tests.unit.resource_schemas`` writes it anew, for the types that it has.
"""

import textwrap
from collections.abc import Iterator
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from toolkit.local.ministack.upstream.template_properties import ROOT, TABLE, known

Schema = dict[str, Any]
_HEAD = """\
# Properties of the types that the templates use, without those that AWS alone sets, and the
# definitions of their values: Name=Definition. From AWS's resource schemas, as cfn-lint has them:
# python -m tests.unit.resource_schemas
"""


def definitions(kind: str) -> dict[str, dict[str, str]]:
    """What a template may say of a type: definition → property → its own definition, or ""."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    closed = {name: row for name, row in schema.get("definitions", {}).items() if _is_closed(row)}
    read_only = {
        path.split("/")[2] for path in schema.get("readOnlyProperties", []) if path.count("/") == 2
    }
    root = {name: row for name, row in schema["properties"].items() if name not in read_only}
    made = {ROOT: _properties(root, closed)}
    pending = [ROOT]
    while pending:
        for name in made[pending.pop()].values():
            if name and name not in made:
                made[name] = _properties(_all_properties(closed[name]), closed)
                pending.append(name)
    return made


def _is_closed(row: Schema) -> bool:
    return row.get("additionalProperties") is False and "patternProperties" not in row


def _all_properties(row: Schema) -> Schema:
    found = dict(row.get("properties", {}))
    for branch in (*row.get("oneOf", ()), *row.get("anyOf", ()), *row.get("allOf", ())):
        found |= branch.get("properties", {})
    return found


def _properties(rows: Schema, closed: Schema) -> dict[str, str]:
    return {name: next(_definitions(row, closed), "") for name, row in sorted(rows.items())}


def _definitions(row: Any, closed: Schema) -> Iterator[str]:
    """The closed definition that a property's value, or each item of it, has."""
    name = str(row.get("$ref", "")).rpartition("/")[2]
    if name in closed:
        yield name
    elif "items" in row:
        yield from _definitions(row["items"], closed)


def _text(kind: str) -> Iterator[str]:
    yield f'["{kind}"]'
    for name, properties in definitions(kind).items():
        words = " ".join(f"{key}={of}" if of else key for key, of in properties.items())
        lines = textwrap.wrap(words, 98, break_long_words=False, break_on_hyphens=False)
        text = "\n".join(lines)
        yield f'{name} = "{text}"' if len(name) + len(text) < 90 else f'{name} = """\n{text}"""'


if __name__ == "__main__":
    kinds = sorted(known())
    TABLE.write_text("\n\n".join([_HEAD.strip(), *("\n".join(_text(k)) for k in kinds)]) + "\n")
