"""Tokens of pages: only those that were given out are taken.

Services keep positions in their tokens, and fail at what is none. AWS refuses a token that it did
not make, each service by an error of its own.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from .api_models import model

_REMEMBERED = 10_000
# Members that lead to a page. S3's markers are keys, which anyone may name.
_NAME = re.compile(r"(?i)next(forward|backward)?token|(next)?marker|(next)?continuationtoken")
_CODE = re.compile(r"Invalid(Next|Pagination)?(Token|Marker)(Exception)?")


class PageTokens:
    """The tokens that were given out last. Safe to use from any thread."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._given: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._remembered = remembered
        self._lock = threading.Lock()

    def unknown(self, service: str, operation: str, request: Mapping[str, Any]) -> str | None:
        """The token of a request that this operation has not given out, or None."""
        for name in asking(service, operation):
            token = request.get(name)
            if not token:
                continue
            with self._lock:
                if (service, operation, str(token)) not in self._given:
                    return str(token)
        return None

    def note(self, service: str, operation: str, content: bytes) -> None:
        """Remember the tokens of an answer, which is JSON or XML."""
        for name in giving(service, operation):
            for token in _found(name, content):
                with self._lock:
                    key = (service, operation, token)
                    self._given[key] = None
                    self._given.move_to_end(key)
                    if len(self._given) > self._remembered:
                        self._given.popitem(last=False)


def code(service: str, operation: str) -> str:
    """The error by which an operation refuses a token, as far as its model names it."""
    codes = list(model(service).codes(operation))
    fitting = (row for row in codes if _CODE.fullmatch(row))
    general = (row for row in codes if row.startswith(("InvalidParameter", "Validation")))
    return next(fitting, None) or next(general, "")


@lru_cache(maxsize=1024)
def asking(service: str, operation: str) -> list[str]:
    """The members of a request that lead to a page."""
    known = model(service)
    shape = known.input(operation)
    return _names(known.shapes[shape]) if shape else []


@lru_cache(maxsize=1024)
def giving(service: str, operation: str) -> list[str]:
    """The members of an answer that lead to the next page."""
    known = model(service)
    shape = known.operations.get(operation, {}).get("output", {}).get("shape")
    return _names(known.shapes[shape]) if shape and asking(service, operation) else []


def _names(shape: Mapping[str, Any]) -> list[str]:
    return [
        row.get("locationName", name)
        for name, row in shape["members"].items()
        if _NAME.fullmatch(name)
    ]


def _found(name: str, content: bytes) -> Iterator[str]:
    """The texts that stand under a name, wherever in a document."""
    tag = name.encode()
    for pattern in (rb'"%b":\s*"([^"\\]+)"' % tag, rb"<%b>([^<]+)</%b>" % (tag, tag)):
        yield from (found.decode() for found in re.findall(pattern, content))
