"""The import table and the bans: rules that the source of a module keeps or breaks."""

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from toolkit import runtime

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
    "toolkit.core.causes": VOCABULARY,
    "toolkit.core.proof": VOCABULARY | _rooms("core.causes", "core.schedules"),
    "toolkit.core.changes": VOCABULARY | _rooms("core.proof", "core.schedules"),
    "toolkit.core.pages": VOCABULARY | _rooms("core.causes", "core.proof"),
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


def shared_class_names(modules: Iterable[tuple[str, ast.Module]]) -> list[str]:
    """Names that more than one class has, with the modules that define them."""
    owners: dict[str, list[str]] = {}
    for module, tree in modules:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                owners.setdefault(node.name, []).append(module)
    return [f"{name}: {', '.join(rows)}" for name, rows in owners.items() if len(rows) > 1]


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))
