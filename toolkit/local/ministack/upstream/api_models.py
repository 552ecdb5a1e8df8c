"""What the models of AWS's APIs forbid of a request: values, lengths, ranges and patterns.

botocore brings the models, and leaves most of this to the services. The words are those of the
services that AWS's framework checks.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Json = dict[str, Any]
NUMBERS = frozenset({"integer", "long", "float", "double"})
# Some enumerations stand in the prose of a member only: CloudWatch's TreatMissingData as values
# between bars, the protocols of SNS as a list.
_VALID_VALUES = re.compile(r"Valid [Vv]alues:? <code>([\w.-]+(?: \| [\w.-]+)+)</code>")
_SUPPORTED = re.compile(r"Supported \w+ include:</p> <ul>(.*?)</ul>", re.DOTALL)
_ITEM = re.compile(r"<li> <p> ?<code>([\w-]+)</code> \N{EN DASH}")


@dataclass(frozen=True)
class Model:
    """The shapes of a service's API and its operations, as botocore has them."""

    shapes: Json
    operations: Json

    def input(self, operation: str) -> str | None:
        """The shape of an operation's input."""
        shape: str | None = self.operations.get(operation, {}).get("input", {}).get("shape")
        return shape

    def codes(self, operation: str) -> Iterator[str]:
        """The codes of the errors that an operation names."""
        for row in self.operations.get(operation, {}).get("errors", ()):
            yield self.shapes[row["shape"]].get("error", {}).get("code") or row["shape"]


def problem(service: str, operation: str, request: Mapping[str, Any]) -> str | None:
    """What the service says to a request that its model forbids, or None.

    Args:
        service: as botocore names it, such as ``scheduler``.
        operation: such as ``CreateSchedule``; nothing is known of one that the model lacks.
        request: its members; those that are missing or null are not looked at, as the client does.
    """
    known = model(service)
    shape = known.input(operation)
    if shape is None:
        return None
    found = list(_violations(known.shapes, {"shape": shape}, request, ""))
    if not found:
        return None
    return f"{len(found)} validation error{'s'[: len(found) > 1]} detected: {'; '.join(found)}"


@cache
def model(service: str) -> Model:
    """The model of a service, without its prose."""
    spec = find_spec("botocore")
    assert spec is not None
    assert spec.submodule_search_locations
    versions = Path(spec.submodule_search_locations[0], "data", service).iterdir()
    packed = (max(path for path in versions if path.is_dir()) / "service-2.json.gz").read_bytes()
    found = json.loads(gzip.decompress(packed), object_hook=_undocumented)
    return Model(found["shapes"], found["operations"])


def _undocumented(node: Json) -> Json:
    """A node without its prose, which is most of a model, but with the values that stand there."""
    prose = node.get("documentation")
    if not isinstance(prose, str):
        return node
    del node["documentation"]
    values, supported = _VALID_VALUES.search(prose), _SUPPORTED.search(prose)
    found = values[1].split(" | ") if values else _ITEM.findall(supported[1]) if supported else []
    if found and "shape" in node:
        node["enum"] = found
    return node


def _violations(shapes: Json, row: Json, value: Any, path: str) -> Iterator[str]:
    """What a value breaks of its shape; ``row`` refers to the shape, and may narrow it."""
    shape = shapes[row["shape"]]
    if "enum" in row:
        shape = {**shape, "enum": row["enum"]}
    kind = shape["type"]
    if kind == "structure" and isinstance(value, Mapping):
        for member, inner_row in shape["members"].items():
            inner = value.get(inner_row.get("locationName", member), value.get(member))
            if inner is not None:
                where = f"{path}.{member[0].lower()}{member[1:]}".lstrip(".")
                yield from _violations(shapes, inner_row, inner, where)
        return
    complaint = _complaint(shape, value)
    if complaint:
        shown = "" if shape.get("sensitive") else f" '{_shown(value)}'"
        yield f"Value{shown} at '{path}' failed to satisfy constraint: Member must {complaint}"
    if kind == "list" and isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from _violations(shapes, shape["member"], item, f"{path}.{number}.member")
    elif kind == "map" and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _violations(shapes, shape["key"], key, f"{path}.{key}.key")
            yield from _violations(shapes, shape["value"], item, f"{path}.{key}.member")


def _complaint(shape: Json, value: Any) -> str | None:
    if shape["type"] in NUMBERS and isinstance(value, int | float):
        return _out_of_range(shape, value, "have value")
    if shape["type"] not in ("string", "list", "map") or not isinstance(value, str | list | dict):
        return None
    if isinstance(value, str) and "enum" in shape and value not in shape["enum"]:
        return f"satisfy enum value set: [{', '.join(shape['enum'])}]"
    complaint = _out_of_range(shape, len(value), "have length")
    if complaint is None and isinstance(value, str) and not _matches(shape.get("pattern"), value):
        complaint = f"satisfy regular expression pattern: {shape['pattern']}"
    return complaint


def _out_of_range(shape: Json, value: float, what: str) -> str | None:
    if "min" in shape and value < shape["min"]:
        return f"{what} greater than or equal to {shape['min']}"
    if "max" in shape and value > shape["max"]:
        return f"{what} less than or equal to {shape['max']}"
    return None


def _matches(pattern: str | None, value: str) -> bool:
    """Whether the whole value matches; a pattern that only Java understands matches anything."""
    try:
        return pattern is None or re.fullmatch(pattern, value) is not None
    except re.error:
        return True


def _shown(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
