"""What a request asks for: the operation and its members, in JSON, as a form or by its address.

- https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
- https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from .api_models import NUMBERS, Model, model

Json = dict[str, Any]
Form = Mapping[str, list[str]]


def read(
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Form,
) -> tuple[str, Json]:
    """The operation and its members; of what is no request at all, an empty name or no members.

    Args:
        service: as botocore names it.
        method: of HTTP.
        path: of the address.
        headers: their names in small letters.
        body: as it came.
        query: of the address, each name with its values.
    """
    target = headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2], document(body) or {}
    named = {**query, **form(headers, body)}
    if "Action" in named:
        operation = "".join(named["Action"][:1])
        return operation, members(service, operation, named)
    return _of_resource(model(service), method, path, query)


def members(service: str, operation: str, form: Form) -> Json:
    """The members of a request that came as a form, at any depth; those it does not name miss."""
    known = model(service)
    shape = known.input(operation)
    return _structure(known.shapes, known.shapes[shape], form, "") if shape else {}


def document(body: bytes) -> Json | None:
    """The JSON of a request; None where it has none, which the service refuses itself."""
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def form(headers: Mapping[str, str], body: bytes) -> Form:
    """The fields of a request that came as a form, those without a value too; else none."""
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True) if is_form else {}


def _of_resource(known: Model, method: str, path: str, query: Form) -> tuple[str, Json]:
    """An operation of a REST service that its path alone names, and what its address says."""
    for operation, row in known.operations.items():
        address = row.get("http", {})
        if (address.get("method"), address.get("requestUri")) == (method, path):
            return operation, {name: "".join(values[:1]) for name, values in query.items()}
    return "", {}


def _structure(shapes: Json, shape: Json, form: Form, prefix: str) -> Json:
    found: Json = {}
    for name, row in shape["members"].items():
        where = f"{prefix}{row.get('locationName', name)}"
        if any(key == where or key.startswith(f"{where}.") for key in form):
            found[name] = _value(shapes, row, form, where)
    return found


def _value(shapes: Json, row: Json, form: Form, where: str) -> Any:
    shape = shapes[row["shape"]]
    kind = shape["type"]
    if kind == "structure":
        return _structure(shapes, shape, form, f"{where}.")
    if kind == "list":
        item = "" if shape.get("flattened") else shape["member"].get("locationName", "member")
        start = ".".join(filter(None, [where, item]))
        return [_value(shapes, shape["member"], form, one) for one in _numbered(form, start)]
    if kind == "map":
        start = where if shape.get("flattened") else f"{where}.entry"
        key, value = (shape[part].get("locationName", part) for part in ("key", "value"))
        return {
            "".join(form.get(f"{one}.{key}", ())[:1]): _value(
                shapes, shape["value"], form, f"{one}.{value}"
            )
            for one in _numbered(form, start)
        }
    return _scalar(kind, "".join(form.get(where, ())[:1]))


def _numbered(form: Form, start: str) -> list[str]:
    """The prefixes ``start.N`` of a form, in the order of their numbers."""
    numbers = {
        key[len(start) + 1 :].partition(".")[0] for key in form if key.startswith(f"{start}.")
    }
    return [f"{start}.{number}" for number in sorted(filter(str.isdecimal, numbers), key=int)]


def _scalar(kind: str, text: str) -> Any:
    if kind in NUMBERS:
        try:
            return float(text) if kind in ("float", "double") else int(text)
        except ValueError:
            return text
    return text
