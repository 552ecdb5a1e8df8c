"""The table of ministack's names is whole, tells why, and a change of ministack is listed."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.local.emulator_process import VERSION
from toolkit.local.ministack import table

OVERLAY = table.TABLE.parent
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


def test_every_private_name_stands_in_the_table() -> None:
    used = {name for path in OVERLAY.glob("*.py") for name in uses(path)}
    assert len(used) > 50
    assert used - table.names().keys() == set()


def test_nothing_stands_in_the_table_that_nobody_uses() -> None:
    source = "\n".join(path.read_text() for path in OVERLAY.glob("*.py"))
    for name in table.names():
        attribute = name.rpartition(".")[2]
        # Some are named by a loop over strings, without the underscore where one is put in front.
        assert attribute in source or f'"{attribute.removeprefix("_")}"' in source, name


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_is_a_module_and_tells_why(group: str) -> None:
    assert (OVERLAY / f"{group}.py").exists()
    assert GROUPS[group]["why"].endswith(".")
    assert GROUPS[group]["upstream"].endswith(".")


def test_the_lock_has_the_version_of_the_table() -> None:
    assert f"\nministack=={VERSION} " in f"\n{LOCK.read_text()}"


def test_a_name_that_changed_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "ministack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "app.py").write_text("def save_all(services, more): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert list(table.differences("app.")) == [
        "ministack.app.save_all is (services, more), not (services)",
        "ministack.app._build_persistence_save_dict is missing, not ()",
    ]
