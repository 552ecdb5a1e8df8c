"""Stored JSON is read without what steers a terminal and without deep nesting, however large."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolkit.runtime import documents
from toolkit.runtime.documents import DocumentError, bounded

TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from('\x1b\x7f\\"\n\té \u2028\u202e'))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@given(value=JSON, escaped=st.booleans(), indent=st.sampled_from([None, 1]))
@example(value="\x7f", escaped=False, indent=None)
@example(value={"\x7f": 1}, escaped=False, indent=None)
@example(value="\u202e", escaped=False, indent=None)
def test_a_document_without_escapes_is_read_like_any_other(
    value: Any, indent: int | None, *, escaped: bool
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    assert documents.load(text, "claim") == bounded(value)
    assert documents.load(text.encode(), "claim") == bounded(value)


@pytest.mark.parametrize("word", ['"a"', '"\\u001b"'])
@pytest.mark.parametrize(("opening", "closing"), ["[]", ('{"a":', "}")])
def test_sixty_four_levels_are_read_and_no_more(opening: str, closing: str, word: str) -> None:
    assert documents.load(opening * 64 + word + closing * 64, "claim")
    with pytest.raises(DocumentError, match="the claim is nested too deeply"):
        documents.load(opening * 65 + word + closing * 65, "claim")
