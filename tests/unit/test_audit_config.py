"""Turning the audit on: where, how often, and what it costs."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from toolkit.adapters.images.image_tree import image_tree
from toolkit.adapters.project.project import Project
from toolkit.app.deploying import audit
from toolkit.app.opening import open_offline
from toolkit.core.cost import audit_month, endpoints_month, prices
from toolkit.core.deploying.config import parse
from toolkit.core.deploying.plans import workload_spec
from toolkit.core.errors import ConfigError
from toolkit.core.names import AUDIT
from toolkit.core.schedules.schedule import Schedule
from toolkit.runtime.catalog import Catalog, reserved

ROOT = Path(__file__).parents[2]
ON = {"app": "demo", "audit": "rate(30 minutes)"}
NONE = Catalog({})


def project(tmp_path: Path, text: str) -> Path:
    (tmp_path / "toolkit.toml").write_text(text)
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads" / "catalog.toml").write_text("")
    (tmp_path / "schedules").mkdir()
    return tmp_path


def test_it_is_off_in_code_and_where_a_table_says_so() -> None:
    assert parse({"default": {"app": "demo"}}, "default", NONE).audit is None
    document = {"default": ON, "prod": {}, "dev": {"audit": "off"}}
    found = {name: parse(document, name, NONE).audit for name in document}
    assert found == {"default": "rate(30 minutes)", "prod": "rate(30 minutes)", "dev": None}


def test_the_embedded_aws_has_one_only_where_its_own_table_says_so(tmp_path: Path) -> None:
    text = '[default]\napp = "demo"\naudit = "rate(30 minutes)"\n[prod]\n'
    root = project(tmp_path, text)
    for name, local in ((None, True), ("prod", True)):
        assert open_offline(root, environment=name, local=local).config.audit is None
    assert open_offline(root, environment="prod", local=False).config.audit is not None
    (root / "toolkit.toml").write_text(f'{text}[local]\naudit = "rate(1 hour)"\n')
    for name in (None, "prod"):
        assert open_offline(root, environment=name, local=True).config.audit == "rate(1 hour)"


@pytest.mark.parametrize(
    "text",
    ["rate(2 hours)", "rate(1 day)", "cron(0 6 * * ? *)", "at(2026-11-24T05:00:00)", "30m", ""],
)
def test_it_looks_at_least_once_an_hour(text: str) -> None:
    with pytest.raises(ConfigError, match="audit"):
        parse({"default": {**ON, "audit": text}}, "default", NONE)


def test_its_schedule_and_workload_are_in_the_project_only_where_it_is_on(tmp_path: Path) -> None:
    root = project(
        tmp_path, '[default]\napp = "demo"\naudit = "rate(30 minutes)"\n[off]\naudit = "off"\n'
    )
    on = open_offline(root, environment=None, local=False)
    (schedule,) = on.project.schedules(on.config).values()
    assert isinstance(schedule, Schedule)
    assert (schedule.name, schedule.workload) == (AUDIT, AUDIT)
    assert schedule.expression == "rate(30 minutes)"
    assert on.project.schedule(AUDIT, on.config) == schedule
    assert set(on.project.catalog.workloads) == {AUDIT}
    off = open_offline(root, environment="off", local=False)
    assert off.project.schedules(off.config) == {}
    assert off.project.schedule(AUDIT, off.config) is None
    assert set(off.project.catalog.workloads) == set()


def test_a_project_has_no_workload_of_that_name(tmp_path: Path) -> None:
    root = project(tmp_path, '[default]\napp = "demo"\n')
    table = '[workloads.audit]\nsummary = ""\nentry_point = "a:b"\ncpu = 256\nmemory = 512\n'
    (root / "workloads" / "catalog.toml").write_text(f"{table}max_runtime_seconds = 60\n")
    with pytest.raises(ConfigError, match="the toolkit has a workload of that name"):
        Project(root).catalog  # noqa: B018 - it is read when it is first asked for


def test_an_image_holds_the_audits_code_only_where_it_is_on() -> None:
    without, whole = image_tree(ROOT), image_tree(ROOT, audit=True)
    more = whole.keys() - without.keys()
    assert {"toolkit/audit/task.py", "toolkit/audit/audit.toml", "toolkit/app/app.py"} <= more
    assert not any("/audit/" in name or "/adapters/" in name for name in without)
    assert all(name.startswith("toolkit/") for name in more)
    assert not any(name.startswith(("toolkit/cli/", "toolkit/local/")) for name in more)


def test_its_stack_gets_what_it_watches_and_the_flags_of_its_environment() -> None:
    config = parse({"default": ON, "prod": {}}, "prod", NONE)
    spec = workload_spec(config, reserved().workload(AUDIT), "image")
    assert spec.parameters["CommandFlags"] == " --config-env prod"
    assert {"NotificationTopicArn", "DeadLetterQueueUrl", "ClusterName"} <= spec.wires.keys()
    spec.check((ROOT / "templates" / "audit.yaml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("environment", "local", "flags"),
    [
        (None, False, ""),
        (None, True, " --local"),
        ("prod", False, " --config-env prod"),
        ("prod", True, " --local --config-env prod"),
        ("local", True, " --local"),
    ],
)
def test_commands_in_mails_lead_to_the_aws_that_the_audit_looks_at(
    tmp_path: Path, environment: str | None, local: bool, flags: str
) -> None:
    root = project(tmp_path, '[default]\napp = "demo"\n[local]\n[prod]\n')
    found = open_offline(root, environment=environment, local=local)
    assert found.config.flags == flags


def test_the_sum_holds_every_part() -> None:
    table = prices("us-east-1")
    half_hour = audit_month(timedelta(minutes=30), table, key=False, public_address=True)
    assert 0.8 < half_hour.dollars < 1.3
    signed = audit_month(timedelta(minutes=30), table, key=True, public_address=True)
    assert signed.dollars == pytest.approx(half_hour.dollars + 1.0)
    hourly = audit_month(timedelta(hours=1), table, key=False, public_address=True)
    assert hourly.tasks == pytest.approx(half_hour.tasks / 2)
    private = audit_month(
        timedelta(hours=1), table, key=False, public_address=False, endpoints=True
    )
    assert private.addresses == 0
    assert private.endpoints == endpoints_month() > 100
    assert "every 30 minutes: about $1.0" in str(half_hour)
    assert "us-east-1" in str(
        audit_month(timedelta(hours=1), prices("x"), key=False, public_address=True)
    )


@pytest.mark.parametrize(
    ("platform", "named", "left_out"),
    [
        ({}, "public addresses", "endpoints"),
        ({"AuditEndpoints": "true"}, "public addresses", "endpoints"),
        ({"NetworkMode": "private", "AuditEndpoints": "true"}, "endpoints", "public addresses"),
        ({"NetworkMode": "private", "VpcId": "vpc-1", "AuditEndpoints": "true"}, "alarm", "endp"),
    ],
)
def test_the_sum_is_of_the_network_that_is_about_to_be_deployed(
    platform: dict[str, str], named: str, left_out: str
) -> None:
    config = parse({"default": {**ON, "platform": platform}}, "default", NONE)
    told = str(audit.month(config, "rate(30 minutes)", "us-east-1", key=False))
    assert named in told
    assert left_out not in told


@pytest.mark.parametrize(
    ("platform", "refused"),
    [
        ({}, False),
        ({"NetworkMode": "private"}, True),
        ({"NetworkMode": "private", "VpcId": "vpc-0123456789abcdef0"}, False),
        ({"NetworkMode": "private", "AuditEndpoints": "true"}, False),
    ],
)
def test_a_private_network_without_endpoints_is_refused_with_the_sum(
    platform: dict[str, str], *, refused: bool
) -> None:
    config = parse({"default": {**ON, "platform": platform}}, "default", NONE)
    if not refused:
        audit.check(config)
        return
    with pytest.raises(ConfigError) as caught:
        audit.check(config)
    assert "$102 a month" in str(caught.value.hint)


def test_the_audit_needs_no_package_that_an_image_lacks() -> None:
    """What a project's image need not hold: the command line's packages, and the zones'."""
    code = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"click", "tomlkit", "tzdata", "toolkit.cli", "toolkit.local"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import toolkit.audit.task
from toolkit.core.expressions.zone_names import zone_names
assert "Europe/Berlin" in zone_names()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
