"""How a page shows the states of firings: one class of CSS each, and counts in one order."""

from collections.abc import Mapping

from toolkit.core.pages.html import Html, el
from toolkit.core.proof.ledger import State

_CLASSES = {
    State.OK: "ok",
    State.DUPLICATE: "ok",
    State.MADE_GOOD: "ok",
    State.WITNESS_EXPIRED: "ok",
    State.SETTLING: "busy",
    State.RUNNING: "busy",
    State.LATE: "unknown",
    State.SKIPPED: "quiet",
    State.PAUSED: "quiet",
    State.NOT_YET_DUE: "quiet",
}


def css_of(state: State) -> str:
    """The class of a state: ok, busy, unknown, quiet, or ng for what needs a look."""
    return _CLASSES.get(state, "ng")


def ordered(counts: Mapping[State, int]) -> list[tuple[State, int]]:
    """The states that were counted, in the order of the ledger."""
    return [(state, counts[state]) for state in State if counts.get(state)]


def in_words(counts: Mapping[State, int]) -> str:
    """Counts as text.

    >>> in_words({State.MISSED: 1, State.OK: 23})
    '23 ok, 1 missed'
    """
    return ", ".join(f"{count:,} {state}" for state, count in ordered(counts))


def totals(counts: Mapping[State, int]) -> Html:
    """Counts as a list of coloured words."""
    rows = [
        el("li", f"{count:,} {state}", class_=css_of(state)) for state, count in ordered(counts)
    ]
    return el("ul", rows, class_="totals")


def chip(state: State) -> Html:
    """A state as a coloured word."""
    return el("span", state, class_=f"chip {css_of(state)}")
