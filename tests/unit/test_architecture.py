"""Every module keeps the rules of the architecture (`architecture.py`).

Each rule is first shown to catch a small sample that breaks it: a rule that cannot fail proves
nothing.
"""

import ast
import importlib

import attrs
import pytest

from toolkit.runtime import catalog
from toolkit.runtime.contract import CONTRACT_VARIABLES

from .architecture import (
    Rule,
    is_pure_in_core,
    keeps_packages_to_their_places,
    keeps_the_import_table,
    keeps_the_names_of_modules,
    leaves_the_layout_of_the_bucket_alone,
    leaves_the_world_to_the_runtime,
    needs_nothing_installed,
    parse,
    patches_nothing_of_ours,
    retries_single_calls_only,
    shared_class_names,
    sources,
)

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


def test_no_two_classes_share_a_name() -> None:
    modules = [(module, parse(path)) for module, path in sources("toolkit")]
    public = [row for row in shared_class_names(modules) if not row.startswith("_")]
    assert public == []


def test_two_classes_of_one_name_are_seen() -> None:
    trees = [(name, ast.parse("class Run:\n pass")) for name in ("a", "b")]
    assert shared_class_names(trees) == ["Run: a, b"]


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
