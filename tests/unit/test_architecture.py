"""The import table and the bans, read from the source of every module.

Each rule is first shown to catch a small sample that breaks it: a rule that cannot fail proves
nothing.
"""

import ast
import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import attrs
import pytest

from toolkit import runtime
from toolkit.runtime import catalog
from toolkit.runtime.contract import CONTRACT_VARIABLES

ROOT = Path(__file__).parents[2]

# Which of our modules a module may import. The longest prefix of its name decides; what stands
# under the prefix itself is always allowed.
# Vocabulary, which every layer of the toolkit may use: the contract, the catalog and the ground.
_RUNTIME = ("contract", "catalog", "documents", "layout", "urls", "variable")
RUNTIME = frozenset(f"toolkit.runtime.{name}" for name in _RUNTIME)
_GROUND = ("errors", "names", "stack", "task", "checks", "cost", "platform", "words", "fargate")
GROUND = frozenset(f"toolkit.core.{name}" for name in _GROUND)
VOCABULARY = RUNTIME | GROUND


def _rooms(*names: str) -> frozenset[str]:
    return frozenset(f"toolkit.{name}" for name in names)


def _modules(*names: str) -> frozenset[str]:
    return frozenset(f"toolkit.runtime.{name}" for name in names)


# What a workload may use: the runtime's own names, and the one vocabulary of HTTP answers.
WORKLOAD = frozenset(f"toolkit.runtime.{name}" for name in runtime.__all__) | {
    "workloads.answers",
    "workloads.plots",
}

IMPORTS: Mapping[str, frozenset[str]] = {
    "toolkit.runtime": _modules("contract"),
    "toolkit.runtime.documents": frozenset(),
    "toolkit.runtime.contract": _modules("documents"),
    "toolkit.runtime.urls": _modules("contract"),
    "toolkit.runtime.rules": _modules("contract"),
    "toolkit.runtime.layout": _modules("contract"),
    "toolkit.runtime.variable": _modules("contract", "urls"),
    "toolkit.runtime.catalog": _modules(
        "command_line", "contract", "documents", "rules", "variable"
    ),
    "toolkit.runtime.command_line": _modules("contract"),
    "toolkit.runtime.descendants": frozenset(),
    "toolkit.runtime.output": _modules("urls"),
    "toolkit.runtime.leavings": _modules("contract", "documents"),
    "toolkit.runtime.failure": _modules("contract", "packages", "task"),
    "toolkit.runtime.command": _modules(
        "command_line", "contract", "descendants", "failure", "leavings", "output", "packages"
    ),
    "toolkit.runtime.work": _modules("command", "contract", "task"),
    "toolkit.runtime.log": _modules("contract"),
    "toolkit.runtime.stop": _modules("contract"),
    "toolkit.runtime.sink": _modules("contract"),
    "toolkit.runtime.lease": _modules("contract", "documents", "sink"),
    "toolkit.runtime.admission": _modules("contract", "lease", "sink", "task"),
    "toolkit.runtime.testing": _modules("catalog", "command", "contract"),
    "toolkit.runtime.task": _modules("contract", "catalog", "urls"),
    "toolkit.runtime.packages": frozenset(),
    "toolkit.runtime.runtime": _modules(
        "admission",
        "contract",
        "catalog",
        "failure",
        "lease",
        "log",
        "sink",
        "stop",
        "task",
        "work",
    ),
    "toolkit.runtime.__main__": _modules("runtime"),
    "toolkit.core": VOCABULARY,
    "toolkit.core.expressions": frozenset({"toolkit.core.errors"}),
    "toolkit.core.schedules": VOCABULARY | _rooms("core.expressions"),
    "toolkit.core.deploying": VOCABULARY | _rooms("core.expressions", "core.schedules"),
    "toolkit.core.proof": VOCABULARY | _rooms("core.schedules"),
    "toolkit.core.changes": VOCABULARY | _rooms("core.proof", "core.schedules"),
    "toolkit.core.pages": VOCABULARY | _rooms("core.proof"),
    "toolkit.project": GROUND,
    "toolkit.project.starter.workloads": frozenset(f"toolkit.runtime.{n}" for n in runtime.__all__),
    "toolkit.project.starter.tests": _modules("testing") | {"workloads"},
    "toolkit.project.program": _modules("testing"),
    "toolkit.adapters": VOCABULARY | _rooms("core"),
    "toolkit.app": VOCABULARY | _rooms("core", "adapters", "project"),
    "toolkit.audit": VOCABULARY | _rooms("app", "core"),
    "toolkit.audit.task": VOCABULARY | _rooms("app", "core", "audit", "adapters"),
    "toolkit.cli": VOCABULARY | _rooms("app", "audit", "core"),
    "toolkit.local": VOCABULARY | _rooms("core", "adapters"),
    # What runs in an environment of its own, and what of ours needs nothing either.
    "toolkit.local.ministack": frozenset({"toolkit.core.fargate"}),
    "toolkit.local.ministack.upstream": frozenset(),
    "toolkit.__main__": _rooms("cli"),
    "workloads.answers": frozenset(),
    "workloads.plots": frozenset(),
    "workloads.batch": WORKLOAD,
    "workloads.streams": WORKLOAD,
}

# Which of our modules may import a package of others.
KEPT_TO: Mapping[str, tuple[str, ...]] = {
    "click": ("toolkit.cli",),
    "boto3": ("toolkit.adapters", "toolkit.local", "toolkit.runtime.sink"),
    "botocore": ("toolkit.adapters", "toolkit.local", "toolkit.runtime.sink"),
    # One module of the runtime starts programs.
    "subprocess": (
        "toolkit.adapters",
        "toolkit.local",
        "toolkit.runtime.command",
    ),
}

# What a pure module has no access to.
IMPURE = frozenset({"print", "open", "input"})
IMPURE_ATTRIBUTES = frozenset(
    {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.perf_counter",
        "time.sleep",
        "os.environ",
        "os.getenv",
        "sys.argv",
        "sys.stdout",
        "sys.stderr",
    }
)

Rule = Callable[[str, ast.Module], Iterator[str]]


def imports(module: str, tree: ast.Module) -> Iterator[str]:
    """The full name of everything that a module imports, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def keeps_the_import_table(module: str, tree: ast.Module) -> Iterator[str]:
    own = max((p for p in IMPORTS if under(module, p)), key=len, default=None)
    for name in imports(module, tree):
        ours = under(name, "toolkit") or under(name, "workloads")
        allowed = {own, *IMPORTS[own]} if own else set()
        if ours and not any(under(name, prefix) for prefix in allowed):
            yield f"{module} imports {name}"


def keeps_packages_to_their_places(module: str, tree: ast.Module) -> Iterator[str]:
    for name in imports(module, tree):
        places = KEPT_TO.get(name.partition(".")[0])
        if places is not None and not any(under(module, place) for place in places):
            yield f"{module} imports {name}"


def is_pure_in_core(module: str, tree: ast.Module) -> Iterator[str]:
    if under(module, "toolkit.core"):
        yield from impurities(module, tree)


def leaves_the_world_to_the_runtime(module: str, tree: ast.Module) -> Iterator[str]:
    """A workload sees the outside only through its ``Run``: no environment, no printing."""
    if not (under(module, "workloads.batch") or under(module, "workloads.streams")):
        return
    banned = {"os.environ", "os.getenv", "sys.argv", "sys.stdout", "sys.stderr"}
    for name in uses(tree):
        if name in banned or name == "print":
            yield f"{module} uses {name}"


def impurities(module: str, tree: ast.Module) -> Iterator[str]:
    for name in uses(tree):
        if name in IMPURE or name in IMPURE_ATTRIBUTES:
            yield f"{module} uses {name}"


def uses(tree: ast.Module) -> Iterator[str]:
    """Called builtins, ``owner.attribute`` and names imported from elsewhere, aliases resolved."""
    known = dict(_aliases(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield known.get(node.func.id, node.func.id)
        elif isinstance(node, ast.Attribute):
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id in known:
                last = known[owner.id].rpartition(".")[2]
                yield f"{last}.{node.attr}"
            elif isinstance(owner, ast.Attribute):
                yield f"{owner.attr}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _aliases(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def patches_nothing_of_ours(module: str, tree: ast.Module) -> Iterator[str]:
    """Fakes are written by hand; monkeypatch may change the machine's answers, not our code."""
    allowed = {"setenv", "delenv", "chdir", "syspath_prepend", "context"}
    machine = {"os", "sys.modules"}
    for name in imports(module, tree):
        if under(name, "unittest.mock") or under(name, "mock") or under(name, "pytest_mock"):
            yield f"{module} imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, name = ast.unparse(node.func.value), node.func.attr
            if owner not in {"monkeypatch", "mocker"} or name in allowed:
                continue
            if not (node.args and ast.unparse(node.args[0]) in machine):
                yield f"{module} calls {owner}.{name}"


def keeps_the_names_of_modules(module: str, tree: ast.Module) -> Iterator[str]:
    """A module that is imported `as action` or `as core` has the wrong name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = (alias.asname or "").rpartition("_")[2]
                if name in {"action", "actions", "core"}:
                    yield f"{module} imports {alias.name} as {alias.asname}"


# Where a call of the network, and nothing larger, is tried again.
RETRIED = frozenset(
    {"toolkit.runtime.sink", "workloads.streams.opening", "workloads.batch.weather.download"}
)
# One S3 call, the opening of one connection, one GET.
RETRIED_CALLS = frozenset({"call", "_attempt", "_fetch"})


def retries_single_calls_only(module: str, tree: ast.Module) -> Iterator[str]:
    """tenacity goes around single network calls, never around an entry point, a task or RunTask.

    So it is at home in two modules, it decorates nothing, and what it calls is one call.
    """
    named = [name for name in imports(module, tree) if name.partition(".")[0] == "tenacity"]
    if named and module not in RETRIED:
        yield f"{module} imports tenacity"
    retrying = {
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "Retrying(" in ast.unparse(node.value)
        for target in node.targets
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                if "retry" in ast.unparse(decorator).lower():
                    yield f"{module} retries {node.name} as a whole"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in retrying:
            for argument in node.args[:1]:
                if ast.unparse(argument) not in RETRIED_CALLS:
                    yield f"{module} retries {ast.unparse(argument)}"


# The bucket's keys are spelled in these two modules; everybody else asks them.
LAYOUT = frozenset({"toolkit.runtime.contract", "toolkit.runtime.layout"})
_KEY = re.compile(
    r"(^|/)(runs|ledger|deployments|dead-letters|releases|locks|changes|witness|causes|records|running|seals)/(?!\d+$)"
)


def leaves_the_layout_of_the_bucket_alone(module: str, tree: ast.Module) -> Iterator[str]:
    if not under(module, "toolkit") or module in LAYOUT or under(module, "toolkit.local"):
        return
    prose = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or node in prose:
            continue
        if _KEY.search(node.value) or "%Y%m%dT%H%M%S" in node.value:
            yield f"{module} writes {node.value!r}"


def needs_nothing_installed(module: str, tree: ast.Module) -> Iterator[str]:
    """What could go to ministack as it is, and what its environment reads of ours."""
    if under(module, "toolkit.local.ministack.upstream") or module == "toolkit.core.fargate":
        for name in imports(module, tree):
            package = name.partition(".")[0]
            if package not in sys.stdlib_module_names and package != "toolkit":
                yield f"{module} imports {name}"


def sources(*folders: str) -> list[tuple[str, Path]]:
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [(module_of(path), path) for path in paths]


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


RULES: list[Rule] = [
    keeps_the_import_table,
    keeps_packages_to_their_places,
    is_pure_in_core,
    leaves_the_world_to_the_runtime,
    keeps_the_names_of_modules,
    retries_single_calls_only,
    leaves_the_layout_of_the_bucket_alone,
    needs_nothing_installed,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Rule) -> None:
    modules = sources("toolkit", "workloads")
    assert len(modules) > 10
    found = [text for module, path in modules for text in rule(module, parse(path))]
    assert found == []


def test_no_test_patches_our_own_code() -> None:
    modules = sources("tests")
    found = [
        text for module, path in modules for text in patches_nothing_of_ours(module, parse(path))
    ]
    assert found == []


def shared_class_names(modules: Iterable[tuple[str, ast.Module]]) -> list[str]:
    """Names that more than one class has, with the modules that define them."""
    owners: dict[str, list[str]] = {}
    for module, tree in modules:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                owners.setdefault(node.name, []).append(module)
    return [f"{name}: {', '.join(rows)}" for name, rows in owners.items() if len(rows) > 1]


def test_no_two_classes_share_a_name() -> None:
    modules = [(module, parse(path)) for module, path in sources("toolkit")]
    public = [row for row in shared_class_names(modules) if not row.startswith("_")]
    assert public == []


def test_two_classes_of_one_name_are_seen() -> None:
    trees = [(name, ast.parse("class Run:\n pass")) for name in ("a", "b")]
    assert shared_class_names(trees) == ["Run: a, b"]


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@pytest.mark.parametrize(
    ("rule", "module", "source"),
    [
        (
            keeps_the_import_table,
            "toolkit.cli.deploying.deploy",
            "from toolkit.adapters import ecs",
        ),
        (keeps_the_import_table, "toolkit.cli.deploying.deploy", "import toolkit.local.agent"),
        (keeps_the_import_table, "toolkit.cli.deploying.deploy", "from ...adapters import ecs"),
        (keeps_the_import_table, "toolkit.app.deploying.deploy", "from toolkit.cli import main"),
        (keeps_the_import_table, "toolkit.adapters.aws.ecs", "from toolkit.app import deploy"),
        (keeps_the_import_table, "toolkit.core.names", "from toolkit.adapters import ecs"),
        (keeps_the_import_table, "toolkit.core.names", "from workloads import runtime"),
        (keeps_the_import_table, "toolkit.core.names", "import workloads"),
        (keeps_the_import_table, "toolkit.local.agent", "from toolkit.app import deploy"),
        (keeps_the_import_table, "toolkit.somewhere", "from toolkit.core import names"),
        (keeps_the_import_table, "toolkit.runtime.contract", "from workloads import catalog"),
        (keeps_the_import_table, "toolkit.runtime.catalog", "from toolkit.core import errors"),
        (keeps_the_import_table, "toolkit.runtime.log", "from toolkit.runtime.sink import Sink"),
        (keeps_the_import_table, "toolkit.runtime.runtime", "from workloads.batch import weather"),
        (keeps_the_import_table, "workloads.batch.weather", "from workloads.streams import x"),
        (
            keeps_the_import_table,
            "workloads.batch.weather",
            "from toolkit.runtime.catalog import load",
        ),
        (
            keeps_the_import_table,
            "workloads.streams.session",
            "def f():\n import toolkit.runtime.sink",
        ),
        (keeps_packages_to_their_places, "toolkit.core.names", "import click"),
        (keeps_packages_to_their_places, "toolkit.app.schedules.run", "import boto3"),
        (
            keeps_packages_to_their_places,
            "toolkit.app.schedules.run",
            "from botocore import session",
        ),
        (keeps_packages_to_their_places, "toolkit.runtime.runtime", "def f():\n import boto3"),
        (keeps_packages_to_their_places, "workloads.batch.weather", "import subprocess"),
        (keeps_packages_to_their_places, "toolkit.runtime.runtime", "import subprocess"),
        (
            keeps_packages_to_their_places,
            "toolkit.runtime.output",
            "from subprocess import Popen",
        ),
        (
            keeps_packages_to_their_places,
            "toolkit.cli.deploying.image",
            "from subprocess import run",
        ),
        (is_pure_in_core, "toolkit.core.x", "from datetime import datetime\ndatetime.now()"),
        (is_pure_in_core, "toolkit.core.x", "import datetime as d\nd.datetime.utcnow()"),
        (is_pure_in_core, "toolkit.core.x", "import time\nt = time.time"),
        (is_pure_in_core, "toolkit.core.x", "from time import time"),
        (is_pure_in_core, "toolkit.core.x", "import time as t\nt.monotonic()"),
        (is_pure_in_core, "toolkit.core.x", "import os\nos.environ['HOME']"),
        (is_pure_in_core, "toolkit.core.x", "from os import environ as e"),
        (is_pure_in_core, "toolkit.core.x", "print('x')"),
        (is_pure_in_core, "toolkit.core.x", "open('x')"),
        (leaves_the_world_to_the_runtime, "workloads.batch.x", "import os\nos.environ['A']"),
        (leaves_the_world_to_the_runtime, "workloads.streams.x", "from os import getenv"),
        (leaves_the_world_to_the_runtime, "workloads.streams.x", "print('tick')"),
        (keeps_the_names_of_modules, "toolkit.cli.x", "from toolkit.app import run as action"),
        (keeps_the_names_of_modules, "toolkit.app.x", "from toolkit.core import x as x_core"),
        (retries_single_calls_only, "toolkit.app.x", "import tenacity"),
        (
            retries_single_calls_only,
            "toolkit.runtime.sink",
            "@tenacity.retry\ndef main(): pass",
        ),
        (
            retries_single_calls_only,
            "toolkit.runtime.sink",
            "patient = tenacity.Retrying(stop=s)\npatient(run_task, job)",
        ),
        (leaves_the_layout_of_the_bucket_alone, "toolkit.app.x", "key = f'runs/{name}/'"),
        (leaves_the_layout_of_the_bucket_alone, "toolkit.cli.x", "f's3://{b}/releases/{r}/'"),
        (leaves_the_layout_of_the_bucket_alone, "toolkit.app.x", "f'{t:%Y%m%dT%H%M%SZ}'"),
        (needs_nothing_installed, "toolkit.local.ministack.upstream.x", "import ministack.app"),
        (needs_nothing_installed, "toolkit.core.fargate", "import attrs"),
        (
            keeps_the_import_table,
            "toolkit.local.ministack.upstream.x",
            "from toolkit.core import fargate",
        ),
        (patches_nothing_of_ours, "tests.x", "from unittest import mock"),
        (patches_nothing_of_ours, "tests.x", "from unittest.mock import patch"),
        (
            patches_nothing_of_ours,
            "tests.x",
            "def t(monkeypatch):\n monkeypatch.setattr(a, 'b', 1)",
        ),
        (patches_nothing_of_ours, "tests.x", "def t(mocker):\n mocker.patch('a.b')"),
    ],
)
def test_a_rule_catches_what_breaks_it(rule: Rule, module: str, source: str) -> None:
    assert list(rule(module, ast.parse(source)))


@pytest.mark.parametrize(
    ("rule", "module", "source"),
    [
        (keeps_the_import_table, "toolkit.cli.deploying.deploy", "from toolkit.app import deploy"),
        (
            keeps_the_import_table,
            "toolkit.core.names",
            "from toolkit.runtime.contract import RunId",
        ),
        (keeps_the_import_table, "workloads.batch.weather", "from workloads.batch import ghcn"),
        (keeps_the_import_table, "toolkit.local.agent", "from . import clock"),
        (keeps_packages_to_their_places, "toolkit.runtime.sink", "def f():\n import boto3"),
        (is_pure_in_core, "toolkit.core.x", "from datetime import datetime\ndatetime(2026, 1, 1)"),
        (is_pure_in_core, "toolkit.core.x", "def f(time):\n return time.time()"),
        (is_pure_in_core, "toolkit.adapters.x", "import time\ntime.sleep(1)"),
        (patches_nothing_of_ours, "tests.x", "def t(monkeypatch):\n monkeypatch.setenv('A', 'b')"),
    ],
)
def test_a_rule_leaves_alone_what_keeps_it(rule: Rule, module: str, source: str) -> None:
    assert list(rule(module, ast.parse(source))) == []


WORKLOADS = sorted(
    (row for row in catalog.load().workloads.values() if row.entry_point), key=lambda row: row.name
)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_every_workload_of_the_catalog_can_be_imported(workload: catalog.Workload) -> None:
    module, _, name = workload.entry_point.partition(":")
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_the_settings_of_a_workload_are_the_variables_of_the_catalog(
    workload: catalog.Workload,
) -> None:
    module = importlib.import_module(workload.entry_point.partition(":")[0])
    settings = getattr(module, "Settings", None)
    if settings is None:
        pytest.skip(f"{module.__name__} takes its settings as a mapping")
    fields = {field.name for field in attrs.fields(settings)}
    assert fields == {variable.name.lower() for variable in workload.variables}


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_no_setting_of_a_workload_takes_a_name_of_the_contract(workload: catalog.Workload) -> None:
    assert {variable.name for variable in workload.variables}.isdisjoint(CONTRACT_VARIABLES)
