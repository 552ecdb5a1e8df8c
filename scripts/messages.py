"""Print every message and hint of the toolkit in one list: `python -m scripts.messages [KIND]...`.

A line has the file, the line and the kind, then the text as it stands in the source; `{…}` is a
value. Messages are arguments of an exception of the toolkit or of click, hints its `hint=`,
problems what a check yields; findings and diagnoses come from `diagnoses.toml`.
"""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[1]
# Exceptions of others whose text a person sees.
_OF_CLICK = {"UsageError", "BadParameter", "ClickException", "Abort"}
_CALLS = {"fail", "unknown_key", "secho", "echo", "event", "wrapped"}


@frozen
class Text:
    """A message, or a hint, and where it stands."""

    file: str
    line: int
    kind: str
    text: str


def texts() -> Iterator[Text]:
    """Everything that a person may read of an error, by file and line."""
    trees = {
        path: ast.parse(path.read_text("utf-8"))
        for package in ("toolkit", "workloads")
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    raised = _errors(trees.values()) | _OF_CLICK
    for path, tree in trees.items():
        file = str(path.relative_to(ROOT))
        found = [
            text
            for node in ast.walk(tree)
            for text in (*_of_call(file, node, raised), *_of_yield(file, node))
        ]
        yield from sorted(found, key=lambda text: text.line)
    yield from _diagnoses()


def _errors(trees: Iterable[ast.Module]) -> set[str]:
    """The exceptions that are defined here, by the names of their classes."""
    classes = {
        node.name: {ast.unparse(base).split(".")[-1] for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    known = {"Exception", "RuntimeError", "ValueError"}
    while more := {name for name, bases in classes.items() if bases & known} - known:
        known |= more
    return known - {"Exception"}


def _of_call(file: str, node: ast.AST, raised: set[str]) -> Iterator[Text]:
    if not isinstance(node, ast.Call):
        return
    name = ast.unparse(node.func).split(".")[-1]
    if name in raised or name in _CALLS:
        for argument in node.args:
            shown = _shown(argument)
            if " " in shown:
                kind = "message" if name in raised else name
                yield Text(file, argument.lineno, kind, shown)
    for keyword in node.keywords:
        if keyword.arg in ("hint", "help", "meaning") and (shown := _shown(keyword.value)):
            yield Text(file, keyword.value.lineno, keyword.arg, shown)


def _of_yield(file: str, node: ast.AST) -> Iterator[Text]:
    """A problem that a generator of problems gives."""
    if isinstance(node, ast.Yield) and node.value is not None:
        shown = _shown(node.value)
        if " " in shown:
            yield Text(file, node.lineno, "problem", shown)


def _shown(node: ast.expr) -> str:
    """The text of an expression with its values as `{…}`; empty if it holds no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "{…}" for part in node.values
        )
    if isinstance(node, ast.IfExp):
        return " / ".join(filter(None, (_shown(node.body), _shown(node.orelse))))
    if isinstance(node, ast.BinOp):
        return _shown(node.left) + _shown(node.right)
    return ""


def _diagnoses() -> Iterator[Text]:
    path = ROOT / "toolkit" / "core" / "causes" / "diagnoses.toml"
    source = path.read_text("utf-8")
    rows = [i for i, line in enumerate(source.splitlines(), 1) if line.startswith("[[")]
    tables = [row for kind in tomllib.loads(source).values() for row in kind]
    for line, row in zip(rows, tables, strict=True):
        for key in ("summary", "meaning", "hint"):
            if key in row:
                yield Text(str(path.relative_to(ROOT)), line, key, row[key])


def main() -> None:
    """Print the list; with arguments only the kinds that they name."""
    kinds = set(sys.argv[1:])
    for text in texts():
        if not kinds or text.kind in kinds:
            print(f"{text.file}:{text.line}: {text.kind}: {text.text.replace(chr(10), ' ⏎ ')}")


if __name__ == "__main__":
    main()
