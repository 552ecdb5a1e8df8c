"""Messages, hints and help are in plain English: none uses a word that the style rules out."""

import re
from functools import cache

import pytest

from scripts import messages

RULED_OUT = re.compile(
    r"\b(mend(s|ed)?|whoever|tells? of|told of|nothing tells|what is to come|NG)\b"
    r"|(?<!\bthere )(?<!\bThere )\bis no (?!longer)[a-z]"
)


@cache
def texts() -> list[messages.Text]:
    return list(messages.texts())


def test_the_list_has_every_kind_of_text() -> None:
    kinds = [text.kind for text in texts()]
    assert len(kinds) > 800
    assert all(kinds.count(kind) > 10 for kind in ("message", "hint", "help", "problem", "meaning"))


def test_no_text_uses_a_word_that_is_ruled_out() -> None:
    found = [text for text in texts() if RULED_OUT.search(text.text)]
    assert [f"{text.file}:{text.line}: {text.text}" for text in found] == []


@pytest.mark.parametrize(
    "sentence", ["it tells of a failure", "whoever reads it", "x is no executor", "mend the queue"]
)
def test_such_a_word_is_found(sentence: str) -> None:
    assert RULED_OUT.search(sentence)
