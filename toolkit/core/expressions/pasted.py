"""What people leave around an expression when they paste it: quotes, keys, comments, a zone."""

import html
import re
import unicodedata

from attrs import frozen

from toolkit.core.expressions.zone_names import zone_names

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_SIGNS = str.maketrans(
    "\u2018\u2019\u201c\u201d\u00ab\u00bb\u2013\u2014\u2212\u2217\u00d7", '\'\'""""---**'
)
_QUOTES = "\"'`"
_FRAMED = re.compile(
    r"(?<![\w.@-])(cron|rate|at)\s*(?:\(+([^()]*)(?:\)+|$)|\[([^\[\]]*)\]|\{([^{}:]*)\})",
    re.IGNORECASE,
)
_ZONE_KEY = re.compile(
    r"[\"']?(?:--)?\b(?:cron_tz|tz|time[-_ ]?zone|schedule[-_]?expression[-_]?timezone)[\"']?"
    r"(?:\s*[:=]\s*|\s+(?=[A-Z][A-Za-z]*/))(?:[\"'](?P<quoted>[^\"']*)[\"']|(?P<bare>[\w/+:-]+)),?",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"(?:(?<=\s)|^)(?:#(?!\d)|//|--\s|;).*$|/\*.*?\*/|<!--.*?-->", re.MULTILINE)
_KEY = re.compile(
    r"\s*(?:[-*]\s+)?(?:(?:schedule|cron)\s+expression|[\"']?[A-Za-z_][\w.-]*[\"']?)\s*(?::=?|=>?)\s*"
)
_BEFORE = re.compile(
    r"(?s)(?:.*[:=(\[,>{|&\"'`](?:\s*!\w+)?|.*--[\w-]+|\s*(?:[-*#;$%]+|//)|\s*!\w+)?[\s*_]*"
)
_NAMED = re.compile(
    r"(cron|rate|at(?=\W+\d{4}-))\b\s*(?:expression)?\s*[:=]?\s*(\S.*)", re.IGNORECASE | re.DOTALL
)
_SETTINGS = re.compile(r"^(?:(?:MAILTO|PATH|SHELL|HOME|LANG|LOGNAME|USER)=\S*\s+)+")  # crontab's
_TAG = re.compile(r"</?[a-z]+[^<>]*>", re.IGNORECASE)
_CONTEXT = re.compile(r"(?s).*[\w\]\"'-]\s*[:=(]\s*(?:!\w+\s*)?(\\?[\"'`])\s*")
_SUFFIX_ZONE = re.compile(
    r"(?P<rest>.*?\S)[\s,;]+(?:in\s+|@\s*)?[(\[]?(?P<zone>[A-Za-z]+(?:/[\w+-]+){1,2}|[A-Z]{1,5}"
    r"(?:[+-]\d{1,2}(?::?\d{2})?)?|[uU]tc|[+-]\d{2}:?\d{2})[)\]]?(?:\s+time)?\s*"
)
_PREFIX_ZONE = re.compile(r"(?P<zone>[A-Za-z]+(?:/[\w+-]+){1,2}|UTC|GMT)[:,]?\s+(?P<rest>\S.*)")
_NOT_ZONES = frozenset({"L", "LW", "W", "AM", "PM", "A", "P", "H"})


@frozen
class Pasted:
    """An expression without what was around it.

    Attributes:
        kind: cron, rate or at, where its frame says so.
        body: what stood in the frame, or all of it.
        timezone: the zone that was written beside it, as it was written.
    """

    kind: str | None
    body: str
    timezone: str | None


def unwrap(text: str) -> Pasted | None:
    """The one expression of a text; None where there is more than one, or something else."""
    text = _plain(text)
    text, zone = _zone_key(text)
    frames = {(match[1].lower(), _body(match)): match for match in _FRAMED.finditer(text)}
    if len(frames) > 1:
        return None
    for (kind, body), match in frames.items():
        before, after = text[: match.start()], text[match.end() :]
        inside, inner = _suffix_zone(body) if kind != "rate" else (body, None)
        rest, beside = _zone_beside(before, after)
        if rest is None:
            return None
        return Pasted(kind, inside, zone or beside or inner)
    return _unframed(text, zone)


def _plain(text: str) -> str:
    """The same text in plain characters, without marks that nobody sees or means."""
    text = html.unescape(unicodedata.normalize("NFKC", text.translate(_SIGNS)))
    text = text.translate(_INVISIBLE).translate(_SIGNS)
    text = re.sub(r"^\s*(?:#+|//+|;+|--)\s+", "", _TAG.sub("", text))
    return re.sub(r"\\(?=[\"'`*?_\[\]()])", "", text).strip()


def _body(match: re.Match[str]) -> str:
    body = next(group for group in match.groups()[1:] if group is not None)
    return body.strip(" ;,").strip(_QUOTES).strip()


def _zone_key(text: str) -> tuple[str, str | None]:
    """The text without its ``CRON_TZ=...``, and the zone."""
    match = _ZONE_KEY.search(text)
    if match is None:
        return text, None
    rest = f"{text[: match.start()]} {text[match.end() :]}".strip()
    return rest, match["quoted"] or match["bare"]


def _zone_beside(before: str, after: str) -> tuple[str | None, str | None]:
    """Whether nothing but wrapping is around a frame (then a text), and the zone among it."""
    context = _CONTEXT.fullmatch(before)
    if context and after.lstrip().startswith(context[1]):
        return "", None  # a quoted value among others
    after = _COMMENT.sub("", after).strip(" \t\n\\\"'`)]};,.*|")
    zone = None
    if after and (match := _SUFFIX_ZONE.fullmatch(f"x {after}")) and match["rest"] == "x":
        zone, after = match["zone"], ""
    if match := _PREFIX_ZONE.fullmatch(f"{before.strip()} x"):
        zone, before = match["zone"], ""
    fits = not after and _BEFORE.fullmatch(before)
    return ("" if fits else None), zone


def _unframed(text: str, zone: str | None) -> Pasted | None:
    text = _inner(_SETTINGS.sub("", text))
    if not text:
        return None
    named = _NAMED.fullmatch(text)
    kind = named[1].lower() if named else None
    text = _inner(named[2]) if named else text
    if zone is None:
        match = _PREFIX_ZONE.fullmatch(text)
        if match and _known(match["zone"]):
            text, zone = _inner(match["rest"]), match["zone"]
        else:
            text, zone = _suffix_zone(text)
            text = _inner(text)
    return Pasted(kind, text, zone)


def _inner(text: str) -> str:
    """Without keys, quotes, comments and closing punctuation around it."""
    before = None
    while before != text:
        before = text
        text = _COMMENT.sub("", text).strip().strip("\\").rstrip(",;.").strip()
        if not re.match(r"(?i)\s*at\s*:", text):
            text = _KEY.sub("", text, count=1) if _KEY.match(text) else text
        for opening, closing in [
            *zip(_QUOTES, _QUOTES, strict=True),
            "[]",
            "()",
            "{}",
            ("**", "**"),
        ]:
            size = len(opening)
            if len(text) > 2 * size and text.startswith(opening) and text.endswith(closing):
                text = text[size:-size].strip()
        for quote in _QUOTES:
            if text.count(quote) == 1 and (text.startswith(quote) or text.endswith(quote)):
                text = text.strip(quote)
    return re.sub(r"\s+", " ", text)


def _suffix_zone(text: str) -> tuple[str, str | None]:
    """The text without the zone at its end, and the zone."""
    match = _SUFFIX_ZONE.fullmatch(text)
    if match is None or not _is_zone(match["zone"]):
        return text, None
    return match["rest"].rstrip(" ,;"), match["zone"]


def _is_zone(text: str) -> bool:
    """Whether a word after an expression is a zone rather than a field or a command."""
    if _known(text) or re.search(r"[+-]\d", text):
        return True
    from toolkit.core.expressions.zone_hints import is_abbreviation

    return text not in _NOT_ZONES and is_abbreviation(text)


def _known(text: str) -> bool:
    return text in zone_names() or text.upper() == "UTC"
