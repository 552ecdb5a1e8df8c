"""What modules and programs import where no import of them gets: inside functions, or unrun."""

import ast
import importlib
import importlib.util
from collections.abc import Container, Iterator

_OPTIONAL = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def load_lazy_imports(module: str, source: str) -> None:
    """Import what a module's functions import.

    Raises what the import raises, but for one that the function itself expects to fail.
    """
    _load_all(lazy_imports(ast.parse(source)), module, own=())


def load_imports(module: str, source: str, own: Container[str]) -> None:
    """Import what a file imports, anywhere in it, without running it.

    Raises what the import raises, but for one that the code itself expects to fail.

    Args:
        module: its name, by which relative imports are resolved.
        source: its text.
        own: names beside the file, which a program finds because they are there.
    """
    found = _visit(ast.parse(source), inside=True, optional=False)
    _load_all(found, module, own)


def lazy_imports(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """The imports inside of functions, and whether the code goes on without them."""
    yield from _visit(tree, inside=False, optional=False)


def _load_all(
    found: Iterator[tuple[ast.Import | ast.ImportFrom, bool]], module: str, own: Container[str]
) -> None:
    package = _package(module)
    for node, optional in found:
        try:
            for name, member in _targets(node, package):
                if name.partition(".")[0] not in own:
                    _load(name, member)
        except ImportError:
            if not optional:
                raise


def _visit(
    node: ast.AST, *, inside: bool, optional: bool
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    if isinstance(node, ast.Import | ast.ImportFrom) and inside:
        yield node, optional
    inside = inside or isinstance(node, _FUNCTIONS)
    if isinstance(node, ast.If) and _is_type_checking(node.test):
        for child in node.orelse:
            yield from _visit(child, inside=inside, optional=optional)
        return
    for child in ast.iter_child_nodes(node):
        caught = isinstance(node, ast.Try) and child in node.body and _expects_failure(node)
        yield from _visit(child, inside=inside, optional=optional or caught)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _expects_failure(node: ast.Try) -> bool:
    names = {
        name.id
        for handler in node.handlers
        for name in ast.walk(handler.type or ast.Name("BaseException"))
        if isinstance(name, ast.Name)
    }
    return not names.isdisjoint(_OPTIONAL)


def _targets(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str | None]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, None) for alias in node.names)
        return
    relative = "." * node.level + (node.module or "")
    name = importlib.util.resolve_name(relative, package)
    yield from ((name, None if alias.name == "*" else alias.name) for alias in node.names)


def _load(name: str, member: str | None) -> None:
    module = importlib.import_module(name)
    if member is not None and not hasattr(module, member):
        importlib.import_module(f"{name}.{member}")


def _package(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    return (spec.parent if spec.parent is not None else module) or module
