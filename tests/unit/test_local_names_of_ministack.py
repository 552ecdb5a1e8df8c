"""The table of ministack's names is whole, tells why, and a change of ministack is listed."""

import ast
import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit.local.emulator_process import VERSION
from toolkit.local.ministack.replacing import table
from toolkit.local.ministack.replacing.replacements import Replacements

OVERLAY = table.TABLE.parents[1]
LOCK = OVERLAY / "requirements.lock"
GROUPS = {
    name: group
    for name, group in tomllib.loads(table.TABLE.read_text()).items()
    if isinstance(group, dict)
}


def uses(path: Path) -> Iterator[str]:
    """The private names of ministack in a module, and those that it replaces."""
    tree = ast.parse(path.read_text())
    modules = {
        alias.asname or alias.name: f"{node.module}.{alias.name}".removeprefix("ministack.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            continue
        if node.value.id in modules and (
            node.attr.startswith("_") or isinstance(node.ctx, ast.Store)
        ):
            yield f"{modules[node.value.id]}.{node.attr}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "replaces":
            yield from (str(ast.literal_eval(name)) for name in node.args)


def test_every_private_name_stands_in_the_table() -> None:
    used = {name for path in OVERLAY.rglob("*.py") for name in uses(path)}
    assert len(used) > 30
    assert used - table.names().keys() == set()


def test_nothing_stands_in_the_table_that_nobody_uses() -> None:
    used = {name for path in OVERLAY.rglob("*.py") for name in uses(path)}
    assert table.names().keys() - used == set()


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_is_a_module_and_tells_why(group: str) -> None:
    assert list(OVERLAY.rglob(f"{group}.py"))
    assert GROUPS[group]["why"].endswith(".")
    assert GROUPS[group]["upstream"].endswith(".")


def test_the_lock_has_the_version_of_the_table() -> None:
    assert f"\nministack=={VERSION} " in f"\n{LOCK.read_text()}"


def test_a_name_that_changed_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "ministack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "app.py").write_text("def _dispatch_service_request(method, more): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    known = table.names()
    names = ("app._dispatch_service_request", "core.persistence._json_default")
    signature = "(method, path, headers, body, query_params, request_id)"
    assert list(table.differences({name: known[name] for name in names})) == [
        f"ministack.app._dispatch_service_request is (method, more), not {signature}",
        "ministack.core.persistence._json_default is missing, not (obj)",
    ]


@pytest.fixture
def small_ministack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package of two modules, of which one imports a function of the other."""
    package = tmp_path / "ministack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def double(number): return 2 * number\n")
    (package / "two.py").write_text("from ministack.one import double as twice\n")
    monkeypatch.syspath_prepend(tmp_path)
    others = [name for name in sys.modules if name.partition(".")[0] == "ministack"]
    for name in others:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("small_ministack")
def test_a_replacement_stands_wherever_the_original_was_imported() -> None:
    one, two = importlib.import_module("ministack.one"), importlib.import_module("ministack.two")
    made = Replacements()

    @made.replaces("one.double")
    def more(original: Callable[[int], int], number: int) -> int:
        return original(number) + 1

    @made.replaces("one.double")
    def ten_times(original: Callable[[int], int], number: int) -> int:
        return 10 * original(number)

    assert one.double(2) == 4
    made.install()
    assert (one.double(2), two.twice(2)) == (50, 50)


@pytest.mark.usefixtures("small_ministack")
def test_a_replacement_of_nothing_is_an_error() -> None:
    made = Replacements()
    made.replaces("one.gone")(lambda original: original)
    with pytest.raises(AttributeError, match="gone"):
        made.install()


def test_a_replacement_that_comes_after_the_start_is_an_error() -> None:
    made = Replacements()
    made.install()
    with pytest.raises(RuntimeError, match=r"too late to replace one\.double"):
        made.replaces("one.double")
