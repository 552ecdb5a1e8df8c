"""Messages, hints and help are in plain English: none uses a word that the style rules out."""

import re

import pytest

from scripts.messages import texts

TEXTS = list(texts())
RULED_OUT = re.compile(
    r"\b(mend(s|ed)?|whoever|tells? of|told of|nothing tells|what is to come|NG)\b"
    r"|(?<!\bthere )(?<!\bThere )\bis no (?!longer)[a-z]"
)


def test_the_list_has_every_kind_of_text() -> None:
    kinds = [text.kind for text in TEXTS]
    assert len(TEXTS) > 800
    assert all(kinds.count(kind) > 10 for kind in ("message", "hint", "help", "problem", "meaning"))


def test_no_text_uses_a_word_that_is_ruled_out() -> None:
    found = [text for text in TEXTS if RULED_OUT.search(text.text)]
    assert [f"{text.file}:{text.line}: {text.text}" for text in found] == []


@pytest.mark.parametrize(
    "sentence", ["it tells of a failure", "whoever reads it", "x is no executor", "mend the queue"]
)
def test_such_a_word_is_found(sentence: str) -> None:
    assert RULED_OUT.search(sentence)
