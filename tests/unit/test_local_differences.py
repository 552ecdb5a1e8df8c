"""Every known difference of the embedded AWS that a conformance test marks stands in its page."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "local.md").read_text()
MARKED = [
    node.args[0].value
    for path in (ROOT / "tests" / "functional" / "local").glob("test_local_conformance_*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Call)
    and isinstance(node.func, ast.Name)
    and node.func.id == "differs"
    and isinstance(node.args[0], ast.Constant)
]


def test_each_marked_difference_stands_in_the_page() -> None:
    known = re.sub(r"\s+", " ", PAGE.partition("## Known differences")[2])
    assert MARKED
    assert [words for words in MARKED if str(words) not in known] == []
