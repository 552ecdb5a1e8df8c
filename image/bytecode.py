"""Compiles the modules that a run loads, and only those.

``python bytecode.py STAGE < rehearsed`` writes byte code below STAGE, in the tree that it has in
the image, for every source that has none yet. The standard library is among them: the official
Python images ship it without byte code, and on a read-only root none can be made later.
"""

import ast
import importlib.util
import marshal
import sys
from collections.abc import Iterable
from pathlib import Path

_UNCHECKED_HASH = 0b01  # PEP 552
# matplotlib spends a quarter of its import on filling docstrings, and pandas' take 6 MB of memory:
# text that no run reads. -OO, which both packages allow for, would also take every assertion.
_SILENT = frozenset({"matplotlib", "mpl_toolkits", "pandas"})


def stage(sources: Iterable[Path], root: Path) -> int:
    """Compile each source below ``root``; returns how many had no byte code beside them."""
    count = 0
    for source in sources:
        compiled = Path(importlib.util.cache_from_source(str(source)))
        if not compiled.exists():
            target = root / compiled.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(compile_source(source))
            count += 1
    return count


def compile_source(source: Path) -> bytes:
    """The byte code of a module, as a .pyc file.

    Nothing checks it against its source when it is loaded (PEP 552): nobody edits a file in an
    image, and a time stamp that a registry rounds would make it worthless.
    """
    content = source.read_bytes()
    tree = ast.parse(content)
    if _SILENT.intersection(source.parts):
        tree = without_docstrings(tree)
    code = compile(tree, str(source), "exec", dont_inherit=True)
    flags = _UNCHECKED_HASH.to_bytes(4, "little")
    head = importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(content)
    return head + marshal.dumps(code)


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The same module, class and function bodies, less the string that each may begin with."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Module(body=[ast.Expr(ast.Constant(str())), *rest])
                | ast.ClassDef(body=[ast.Expr(ast.Constant(str())), *rest])
                | ast.FunctionDef(body=[ast.Expr(ast.Constant(str())), *rest])
                | ast.AsyncFunctionDef(body=[ast.Expr(ast.Constant(str())), *rest])
            ):
                node.body = rest or [ast.copy_location(ast.Pass(), node.body[0])]
    return tree


if __name__ == "__main__":
    listed = [Path(line.strip()) for line in sys.stdin]
    print(f"{stage(listed, Path(sys.argv[1]))} of {len(listed)} modules compiled")
