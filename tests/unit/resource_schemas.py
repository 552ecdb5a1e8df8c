"""The table of template properties, made of AWS's resource schemas as cfn-lint has them.

``python -m tests.unit.resource_schemas`` writes it anew, for the types that it has.
"""

import textwrap
from collections.abc import Collection, Iterator
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from toolkit.local.ministack.upstream.template_properties import ROOT, TABLE, Property, known

Schema = dict[str, Any]
_HEAD = """\
# Properties of the types that the templates use, without those that AWS alone sets, and the
# definitions of their values: Name=Definition, Name! if it is required, Name:a|b of an enumeration.
# From AWS's resource schemas, as cfn-lint has them:
# python -m tests.unit.resource_schemas
"""


def definitions(kind: str) -> dict[str, dict[str, Property]]:
    """What a template may say of a type: definition → property → what its value may be."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    rows = schema.get("definitions", {})
    read_only = {
        path.split("/")[2] for path in schema.get("readOnlyProperties", []) if path.count("/") == 2
    }
    root = {name: row for name, row in schema["properties"].items() if name not in read_only}
    made = {ROOT: _properties(root, schema.get("required", ()), rows)}
    pending = [ROOT]
    while pending:
        for name in [row.definition for row in made[pending.pop()].values()]:
            if name and name not in made:
                row = rows[name]
                made[name] = _properties(_all_properties(row), row.get("required", ()), rows)
                pending.append(name)
    return made


def _is_closed(row: Schema) -> bool:
    return row.get("additionalProperties") is False and "patternProperties" not in row


def _all_properties(row: Schema) -> Schema:
    found = dict(row.get("properties", {}))
    for branch in (*row.get("oneOf", ()), *row.get("anyOf", ()), *row.get("allOf", ())):
        found |= branch.get("properties", {})
    return found


def _properties(found: Schema, required: Collection[str], rows: Schema) -> dict[str, Property]:
    return {
        name: Property(
            next(_definitions(row, rows), ""), _values(row, rows), is_required=name in required
        )
        for name, row in sorted(found.items())
    }


def _definitions(row: Any, rows: Schema) -> Iterator[str]:
    """The closed definition that a property's value, or each item of it, has."""
    name = str(row.get("$ref", "")).rpartition("/")[2]
    if name in rows and _is_closed(rows[name]):
        yield name
    elif "items" in row:
        yield from _definitions(row["items"], rows)


def _values(row: Any, rows: Schema) -> tuple[str, ...]:
    """The enumeration that a property's value, or each item of it, is of."""
    name = str(row.get("$ref", "")).rpartition("/")[2]
    row = rows.get(name, row)
    values = tuple(map(str, row.get("enum") or ()))
    if not values and "items" in row:
        return _values(row["items"], rows)
    return () if any(set(" |:=") & set(value) for value in values) else values


def _text(kind: str) -> Iterator[str]:
    yield f'["{kind}"]'
    for name, properties in definitions(kind).items():
        words = " ".join(_word(key, row) for key, row in properties.items())
        lines = textwrap.wrap(words, 98, break_long_words=False, break_on_hyphens=False)
        text = "\n".join(lines)
        yield f'{name} = "{text}"' if len(name) + len(text) < 90 else f'{name} = """\n{text}"""'


def _word(name: str, row: Property) -> str:
    definition = f"={row.definition}" if row.definition else ""
    values = f":{'|'.join(row.values)}" if row.values else ""
    return f"{name}{'!' if row.is_required else ''}{definition}{values}"


if __name__ == "__main__":
    kinds = sorted(known())
    TABLE.write_text("\n\n".join([_HEAD.strip(), *("\n".join(_text(k)) for k in kinds)]) + "\n")
