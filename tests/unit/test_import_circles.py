"""No module of this repository imports itself by way of others."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.unit.architecture import ROOT, imports, parse, sources

PACKAGES = sorted({path.relative_to(ROOT).parts[0] for path in ROOT.glob("[a-z]*/**/*.py")})


def import_graph(modules: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """What each module names in an import, wherever that stands, among these modules."""
    return {name: set(_imported(name, tree, modules)) for name, tree in modules.items()}


def _imported(module: str, tree: ast.Module, modules: Mapping[str, ast.Module]) -> Iterator[str]:
    for name in imports(module, tree):
        for target in (name, name.rpartition(".")[0]):  # a module, or a name inside of one
            if target in modules:
                yield target
                break


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle, in order; none if there is no circle."""
    for name, others in graph.items():
        if name in others:
            return [name]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_repository_has_no_import_circle() -> None:
    assert {"toolkit", "workloads", "benchmarks", "scripts", "tests", "image"} <= set(PACKAGES)
    modules = {name: parse(path) for name, path in sources(*PACKAGES)}
    assert circle(import_graph(modules)) == []


@pytest.mark.parametrize(
    "modules",
    [
        {"a.b": "from a.c import x", "a.c": "def f():\n from a import b"},
        {"a.b": "from . import c", "a.c": "import a.b"},
        {"a.b": "import a.c", "a.c": "from a.d import y", "a.d": "from .b import z"},
        {"a.b": "from a.b import x"},
        {"a": "from a.b import x", "a.b": "from a import y"},
    ],
)
def test_a_circle_is_found(modules: dict[str, str]) -> None:
    assert circle(import_graph({name: ast.parse(text) for name, text in modules.items()}))


def test_a_chain_is_no_circle() -> None:
    modules = {"a.b": "from a.c import x", "a.c": "import a.d", "a.d": "import os", "a": ""}
    assert circle(import_graph({name: ast.parse(text) for name, text in modules.items()})) == []
