"""The list of the overlay's modules is whole, and what it calls generic has a unit test."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OVERLAY = ROOT / "toolkit" / "local" / "ministack"
KINDS = tomllib.loads((OVERLAY / "modules.toml").read_text())
MODULES = {
    ".".join(path.relative_to(OVERLAY).with_suffix("").parts)
    for path in OVERLAY.rglob("*.py")
    if path.name != "__init__.py"
}
UPSTREAM = sorted(name for name in MODULES if name.startswith("upstream."))


def imported(path: Path) -> set[str]:
    """The modules of upstream/ that a test imports, by their names in the list."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            places = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            names |= {place.removeprefix("toolkit.local.ministack.") for place in places}
    return names


def test_every_module_stands_in_the_list_once_with_its_reason() -> None:
    listed = [name for names in KINDS.values() for name in names]
    assert sorted(listed) == sorted(MODULES)
    assert all(reason for names in KINDS.values() for reason in names.values())


def test_what_is_generic_stands_in_upstream_and_nothing_else_does() -> None:
    assert sorted(KINDS["generic"]) == UPSTREAM


def test_what_is_generic_has_a_unit_test() -> None:
    tests = Path(__file__).parent.glob("test_*.py")
    tested = {name for path in tests for name in imported(path)}
    assert set(UPSTREAM) - tested == set()


def uncopied(source: str) -> list[str]:
    """Loops over stores that requests change in other threads, without a copy of their keys."""
    walked = [
        ast.unparse(node.iter)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.For | ast.comprehension)
    ]
    return [over for over in walked if re.fullmatch(r".*\['(streams|objects)'\](\.\w+\(\))?", over)]


def test_no_loop_goes_over_a_store_that_another_thread_may_change() -> None:
    """One over the streams of a log group failed when a task began to log meanwhile."""
    paths = sorted(OVERLAY.rglob("*.py"))
    assert {str(path): found for path in paths if (found := uncopied(path.read_text()))} == {}


@pytest.mark.parametrize("over", ['group["streams"]', 'group["streams"].values()'])
def test_a_loop_over_a_store_is_found_unless_it_goes_over_a_copy(over: str) -> None:
    assert len(uncopied(f"for x in {over}: pass\n[x for x in {over}]")) == 2
    assert uncopied(f"for x in list({over}): pass") == []
