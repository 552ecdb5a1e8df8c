"""What the models of AWS's APIs forbid of a request: values, lengths, ranges and patterns.

botocore brings the models, and leaves most of this to the services. The words are those of the
services that AWS's framework checks.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_NUMBERS = frozenset({"integer", "long", "float", "double"})


def problem(service: str, operation: str, request: Mapping[str, Any]) -> str | None:
    """What the service says to a request that its model forbids, or None.

    Args:
        service: as botocore names it, such as ``scheduler``.
        operation: such as ``CreateSchedule``; nothing is known of one that the model lacks.
        request: its members; those that are missing or null are not looked at, as the client does.
    """
    shapes, inputs = _model(service)
    if operation not in inputs:
        return None
    found = list(_violations(shapes, inputs[operation], request, ""))
    if not found:
        return None
    return f"{len(found)} validation error{'s'[: len(found) > 1]} detected: {'; '.join(found)}"


def members(service: str, operation: str, form: Mapping[str, Any]) -> Json:
    """The members of a request that came as a form: its texts and numbers, but no lists."""
    shapes, inputs = _model(service)
    known = shapes[inputs[operation]]["members"] if operation in inputs else {}
    texts = {name: "".join(form[name][:1]) for name in known.keys() & form.keys()}
    return {
        name: int(text)
        if shapes[known[name]["shape"]]["type"] in _NUMBERS and text.lstrip("-").isdigit()
        else text
        for name, text in texts.items()
    }


@cache
def _model(service: str) -> tuple[Json, dict[str, str]]:
    """The shapes of a service, and the shape of each operation's input."""
    spec = find_spec("botocore")
    assert spec is not None
    assert spec.submodule_search_locations
    versions = Path(spec.submodule_search_locations[0], "data", service).iterdir()
    packed = (max(path for path in versions if path.is_dir()) / "service-2.json.gz").read_bytes()
    model = json.loads(gzip.decompress(packed), object_hook=_undocumented)
    inputs = {
        name: row["input"]["shape"] for name, row in model["operations"].items() if "input" in row
    }
    return model["shapes"], inputs


def _undocumented(node: Json) -> Json:
    """A model without its prose, which is most of it."""
    return {
        key: value
        for key, value in node.items()
        if key != "documentation" or not isinstance(value, str)
    }


def _violations(shapes: Json, name: str, value: Any, path: str) -> Iterator[str]:
    shape = shapes[name]
    kind = shape["type"]
    if kind == "structure" and isinstance(value, Mapping):
        for member, row in shape["members"].items():
            inner = value.get(row.get("locationName", member), value.get(member))
            if inner is not None:
                where = f"{path}.{member[0].lower()}{member[1:]}".lstrip(".")
                yield from _violations(shapes, row["shape"], inner, where)
        return
    complaint = _complaint(shape, value)
    if complaint:
        shown = "" if shape.get("sensitive") else f" '{_shown(value)}'"
        yield f"Value{shown} at '{path}' failed to satisfy constraint: Member must {complaint}"
    if kind == "list" and isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from _violations(
                shapes, shape["member"]["shape"], item, f"{path}.{number}.member"
            )
    elif kind == "map" and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _violations(shapes, shape["value"]["shape"], item, f"{path}.{key}.member")


def _complaint(shape: Json, value: Any) -> str | None:
    if shape["type"] in _NUMBERS and isinstance(value, int | float):
        return _out_of_range(shape, value, "have value")
    if shape["type"] not in ("string", "list", "map") or not isinstance(value, str | list | dict):
        return None
    if "enum" in shape and value not in shape["enum"]:
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
