"""The byte code that the image keeps."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

from image import bytecode

SOURCE = '''"""Module."""


def speak():
    """Function."""


class Thing:
    """Class."""

    def method(self):
        """Method."""
        assert self is not None, "kept"
        return "not a docstring"


VALUE = speak.__doc__, Thing.__doc__, Thing.method.__doc__, Thing().method()
'''


def test_byte_code_is_staged_where_the_image_looks_for_it(tmp_path: Path) -> None:
    package = tmp_path / "site" / "matplotlib"
    package.mkdir(parents=True)
    source = package / "plain.py"
    source.write_text(SOURCE)
    stage = tmp_path / "stage"
    assert bytecode.stage([source], stage) == 1
    compiled = Path(importlib.util.cache_from_source(str(source)))
    assert (stage / compiled.relative_to("/")).is_file()
    assert not compiled.exists()


def test_a_module_that_has_byte_code_is_left_alone(tmp_path: Path) -> None:
    source = tmp_path / "plain.py"
    source.write_text(SOURCE)
    compiled = Path(importlib.util.cache_from_source(str(source)))
    compiled.parent.mkdir()
    compiled.write_bytes(b"old")
    assert bytecode.stage([source], tmp_path / "stage") == 0
    assert not (tmp_path / "stage").exists()


def test_python_loads_the_byte_code_and_does_not_look_at_the_source(tmp_path: Path) -> None:
    source = tmp_path / "matplotlib" / "plain.py"
    source.parent.mkdir()
    source.write_text(SOURCE)
    compiled = Path(importlib.util.cache_from_source(str(source)))
    compiled.parent.mkdir()
    compiled.write_bytes(bytecode.compile_source(source))
    source.write_text("VALUE = 'the source was read'\n")
    done = subprocess.run(
        [sys.executable, "-c", "import plain; print(plain.VALUE)"],
        cwd=source.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "(None, None, None, 'not a docstring')\n"


def test_only_matplotlib_loses_its_docstrings(tmp_path: Path) -> None:
    for name, kept in (("numpy", True), ("matplotlib", False)):
        source = tmp_path / name / "plain.py"
        source.parent.mkdir()
        source.write_text(SOURCE)
        assert (b"Function." in bytecode.compile_source(source)) is kept


def test_bodies_stay_bodies_and_assertions_stay() -> None:
    tree = bytecode.without_docstrings(ast.parse(SOURCE))
    code = ast.unparse(tree)
    assert "def speak():\n    pass" in code
    assert "assert self is not None" in code
    assert "Class." not in code
    compile(tree, "plain.py", "exec")
