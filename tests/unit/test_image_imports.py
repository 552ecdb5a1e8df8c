"""Which imports inside of functions the image's rehearsal loads."""

import ast
import sys
from pathlib import Path

import pytest

from image import imports


def names(source: str) -> list[tuple[str, bool]]:
    return [
        (ast.unparse(node).partition("import ")[2], optional)
        for node, optional in imports.lazy_imports(ast.parse(source))
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a", []),
        ("def f():\n import a", [("a", False)]),
        ("async def f():\n import a", [("a", False)]),
        ("class A:\n def f(self):\n  if x:\n   import a", [("a", False)]),
        ("def f():\n def g():\n  from m import a", [("a", False)]),
        (
            "def f():\n try:\n  import a\n except ImportError:\n  import b",
            [("a", True), ("b", False)],
        ),
        (
            "def f():\n try:\n  import a\n except (ValueError, ModuleNotFoundError):\n  pass",
            [("a", True)],
        ),
        ("def f():\n try:\n  import a\n except:\n  pass", [("a", True)]),
        ("def f():\n try:\n  import a\n except KeyError:\n  pass", [("a", False)]),
        ("def f():\n try:\n  pass\n finally:\n  import a", [("a", False)]),
        ("def f():\n if TYPE_CHECKING:\n  import a\n else:\n  import b", [("b", False)]),
        ("if TYPE_CHECKING:\n import a", []),
        ("try:\n import a\nexcept ImportError:\n def f():\n  import b", [("b", False)]),
    ],
)
def test_imports_inside_of_functions(source: str, expected: list[tuple[str, bool]]) -> None:
    assert names(source) == expected


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with modules that nobody has imported yet."""
    name = "lazy_" + tmp_path.name.replace("-", "_")
    inner = tmp_path / name / "inner"
    inner.mkdir(parents=True)
    for file in (tmp_path / name / "__init__.py", inner / "__init__.py", inner / "one.py"):
        file.write_text("")
    (inner / "two.py").write_text("value = 2")
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize(
    ("module", "source", "loaded"),
    [
        ("inner.one", "def f():\n from .two import value", "inner.two"),
        ("inner.one", "def f():\n from . import two", "inner.two"),
        ("inner.one", "def f():\n from ..inner import two", "inner.two"),
        ("inner", "def f():\n from .two import value", "inner.two"),
        ("inner", "def f():\n from .two import *", "inner.two"),
        ("", "def f():\n from .inner.two import value", "inner.two"),
    ],
)
def test_relative_imports_are_loaded(package: str, module: str, source: str, loaded: str) -> None:
    imports.load_lazy_imports(f"{package}.{module}".rstrip("."), source)
    assert f"{package}.{loaded}" in sys.modules


def test_a_file_is_read_for_its_imports_and_not_run(package: str) -> None:
    source = f"import {package}.inner.two\nimport beside\nraise SystemExit('it ran')"
    imports.load_imports(package, source, own={"beside"})
    assert f"{package}.inner.two" in sys.modules
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        imports.load_imports(package, "import nowhere", own={"beside"})
    guarded = "try:\n import nowhere\nexcept ImportError:\n pass"
    imports.load_imports(package, guarded, own=())


def test_a_missing_module_is_raised_unless_the_function_expects_it(package: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        imports.load_lazy_imports(package, "def f():\n import nowhere.to_be_found")
    expected = "def f():\n try:\n  import nowhere\n except ImportError:\n  return"
    imports.load_lazy_imports(package, expected)
