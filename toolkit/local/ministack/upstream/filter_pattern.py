"""Filter patterns of CloudWatch Logs: terms, a regular expression, or conditions on JSON.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

    ERROR -ARGUMENTS "BAD REQUEST"              all of these, and none of those
    ?ERROR ?ARGUMENTS                           any of these
    %AUTHORIZED%                                a regular expression
    { $.seq > 3 && $.event = "run.*" }          JSON

Patterns for space-delimited events (``[ip, user, …]``) are refused.
"""

import json
import operator
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

Matcher = Callable[[str], bool]
Condition = Callable[[Any], bool]

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<path>\$(?:\.?\['[^']*'\]|\[(?:\d+|\*)\]|\.[\w@-]+)+)
      | (?P<word>&&|\|\||[()]|!=|<=|>=|[=<>]|IS\s+(?:NULL|TRUE|FALSE)\b|NOT\s+EXISTS\b)
      | "(?P<text>(?:[^"\\]|\\.)*)"
      | %(?P<regex>[^%]*)%
      | (?P<bare>[\w.:/+*@-]+)
    )""",
    re.VERBOSE,
)
_STEP = re.compile(r"\['(?P<quoted>[^']*)'\]|\[(?P<index>\d+|\*)\]|\.(?P<name>[\w@-]+)")
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}


class PatternError(ValueError):
    """A pattern that CloudWatch Logs refuses."""


@lru_cache
def read(pattern: str) -> Matcher:
    """What tells whether an event's message matches; raises PatternError."""
    text = pattern.strip()
    if not text:
        return lambda _message: True
    if text.startswith("{"):
        return _on_json(_Parser(text).read())
    if text.startswith("["):
        raise PatternError("Invalid filter pattern: the embedded AWS has no space-delimited ones")
    if len(text) > 2 and text[0] == text[-1] == "%":
        regex = _regex(text[1:-1])
        return lambda message: regex.search(message) is not None
    return _terms(text)


def _terms(text: str) -> Matcher:
    groups: dict[str, list[str]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise PatternError("Invalid filter pattern")
        sign, quoted, bare = match.groups()
        if quoted is None and not re.fullmatch(r"\w+", bare):
            raise PatternError(f"Invalid character(s) in term '{bare}'")
        groups[sign].append(bare if quoted is None else _unescape(quoted))
        position = match.end()
    wanted, unwanted, optional = groups.values()
    if wanted or unwanted:
        # "?" beside terms of another kind is ignored.
        return lambda message: (
            all(term in message for term in wanted)
            and not any(term in message for term in unwanted)
        )
    return lambda message: any(term in message for term in optional)


def _on_json(condition: Condition) -> Matcher:
    def matches(message: str) -> bool:
        try:
            event = json.loads(message)
        except ValueError:
            return False
        return isinstance(event, (dict, list)) and condition(event)

    return matches


class _Parser:
    """Conditions in braces: ``||`` of ``&&`` of comparisons, or of conditions in parentheses."""

    def __init__(self, text: str) -> None:
        if not text.endswith("}"):
            raise PatternError("Invalid filter pattern: a brace is missing")
        self._tokens = [*_tokens(text[1:-1]), ("end", "")]

    def read(self) -> Condition:
        found = self._any()
        self._expect("end")
        return found

    def _any(self) -> Condition:
        return self._joined("||", any, lambda: self._joined("&&", all, self._one))

    def _joined(
        self, word: str, join: Callable[..., bool], read: Callable[[], Condition]
    ) -> Condition:
        parts = [read()]
        while self._take(word):
            parts.append(read())
        return lambda event: join(part(event) for part in parts)

    def _one(self) -> Condition:
        if self._take("("):
            inner = self._any()
            if not self._take(")"):
                raise PatternError("Invalid filter pattern: a parenthesis is missing")
            return inner
        steps = list(_STEP.finditer(self._expect("path")))
        word = self._expect("word")
        if word.startswith("NOT"):
            return lambda event: not list(_select(event, steps))
        test = self._is(word) if word.startswith("IS") else self._comparison(word)
        return lambda event: any(test(value) for value in _select(event, steps))

    def _is(self, word: str) -> Condition:
        wanted = _CONSTANTS[word.split()[1]]
        return lambda value: value is wanted

    def _comparison(self, word: str) -> Condition:
        kind, text = self._tokens.pop(0)
        if word in _ORDERS:
            limit, order = _number(text) if kind == "bare" else None, _ORDERS[word]
            if limit is None:
                raise PatternError(f"Invalid filter pattern: {word} compares numbers")
            return lambda value: _is_number(value) and order(value, limit)
        if word not in ("=", "!="):
            raise PatternError(f"Invalid filter pattern at {word!r}")
        same = _equality(kind, text)
        return same if word == "=" else lambda value: not same(value)

    def _take(self, word: str) -> bool:
        if self._tokens[0] == ("word", word):
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, wanted: str) -> str:
        kind, text = self._tokens.pop(0)
        if kind != wanted:
            raise PatternError(f"Invalid filter pattern at {text!r}")
        return text


def _equality(kind: str, text: str) -> Condition:
    if kind == "regex":
        regex = _regex(text)
        return lambda value: isinstance(value, str) and regex.search(value) is not None
    if kind not in ("text", "bare"):
        raise PatternError(f"Invalid filter pattern at {text!r}")
    wanted = re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)
    number = _number(text) if kind == "bare" else None
    return lambda value: (
        (_is_number(value) and value == number)
        or (isinstance(value, str) and wanted.fullmatch(value) is not None)
    )


def _select(event: Any, steps: list[re.Match[str]]) -> Iterator[Any]:
    """The values at a path; none if there is no such place in the event."""
    if not steps:
        yield event
        return
    step, *rest = steps
    name, index = step["quoted"] or step["name"], step["index"]
    if index is None:
        found = [event[name]] if isinstance(event, dict) and name in event else []
    elif not isinstance(event, list):
        found = []
    else:
        found = event if index == "*" else event[int(index) : int(index) + 1]
    for value in found:
        yield from _select(value, rest)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise PatternError(f"Invalid filter pattern at {text[position:].strip()!r}")
        kind = str(match.lastgroup)
        yield kind, _unescape(match[kind]) if kind == "text" else match[kind]
        position = match.end()


def _regex(text: str) -> re.Pattern[str]:
    """Of regular expressions, the part that AWS supports has the same meaning in Python."""
    if set("()") & set(text):
        raise PatternError("Invalid filter pattern: a regular expression takes no parentheses")
    try:
        return re.compile(text)
    except re.error as error:
        raise PatternError(f"Invalid filter pattern: {error}") from error


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
