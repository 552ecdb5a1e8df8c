"""HTML, escaped where it is made, and the page around it: one file, no network."""

from html import escape
from importlib import resources

from attrs import frozen

# Nothing is loaded, from anywhere: styles, script and images stand in the page itself.
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
# A page of a site loads the site's own stylesheet, and runs no script. Some browsers do not take a
# file for 'self' when the page is a file, too.
_SITE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'self' file: 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
_VOID = frozenset({"meta", "input", "img", "br", "link"})
STYLESHEET = "site.css"


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def el(tag: str, *children: object, **attributes: object) -> Html:
    """An element; what is no Html yet is escaped, and None is left out.

    A trailing underscore of an attribute goes away, the others become hyphens.

    >>> el("p", "1 < 2", class_="x", aria_label="sum")
    '<p class="x" aria-label="sum">1 &lt; 2</p>'
    """
    words = [tag]
    for name, value in attributes.items():
        if value is True:
            words.append(_attribute(name))
        elif value is not None and value is not False:
            words.append(f'{_attribute(name)}="{escape(str(value))}"')
    if tag in _VOID:
        return Html(f"<{' '.join(words)}>")
    return Html(f"<{' '.join(words)}>{join(children)}</{tag}>")


def join(children: object) -> Html:
    """Children one after the other; lists are taken apart."""
    if children is None:
        return Html("")
    if isinstance(children, Html):
        return children
    if isinstance(children, (list, tuple)):
        return Html("".join(join(child) for child in children))
    return Html(escape(str(children)))


def section(title: str, *children: object) -> Html:
    """A part of the page under its own heading."""
    name = title.lower().replace(" ", "-")
    return el("section", el("h2", title, id=name), *children, aria_labelledby=name)


def scrolling(table: Html, label: str) -> Html:
    """A table that may be wider than a phone; what scrolls must be reachable by the keyboard."""
    return el("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


@frozen
class SitePlace:
    """Where a page stands in a site: what leads up to the site's root, and to the pages above.

    ``again`` is the command that judges the run of a report again.
    """

    up: str
    trail: Html
    again: str = ""


def page(title: str, body: Html, *, script: str = "", place: SitePlace | None = None) -> str:
    """A whole page with the shared style and one of the scripts beside this module.

    With a ``place`` it is a page of a site: the style is in the site's stylesheet, and no script.
    """
    if place is None:
        policy, style = _POLICY, el("style", Html(asset("page.css")))
    else:
        policy = _SITE_POLICY
        style = el("link", rel="stylesheet", href=place.up + STYLESHEET)
    head = [
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title),
        style,
    ]
    code = None if place else el("script", Html(asset(script)))
    parts = [el("head", head), el("body", body, code)]
    return "<!doctype html>\n" + el("html", parts, lang="en") + "\n"


def stylesheet() -> str:
    """The stylesheet of a site: the shared style, and what only its pages have."""
    return asset("page.css") + asset("site/site.css")


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def asset(name: str) -> str:
    """A file beside this module."""
    return resources.files("toolkit.core.pages").joinpath(name).read_text("utf-8")
