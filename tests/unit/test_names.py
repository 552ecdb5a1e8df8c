"""One rule for names, the same in the toolkit and the templates, and within what AWS takes."""

import re
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cloudformation import NAMES, accepts, load
from toolkit.adapters.project.project import Project
from toolkit.core.errors import ConfigError
from toolkit.core.names import LONGEST, AppNames, check_name, check_workloads
from toolkit.runtime.catalog import load as load_catalog

KINDS = {"AppName": "app", "WorkloadName": "workload", "ScheduleName": "schedule"}
WRONG = {
    "app": ["demo-", "-demo", "a", "1a", "", "Demo", "de_mo", "a--b", "aws", "default", "a" * 25],
    "workload": ["x", "x-", "web--shop", "platform", "Weather", "a.b", "a" * 41],
    "schedule": ["x", "weather-", "weather--berlin", "platform", "../weather", "a" * 41],
}
texts = st.one_of(
    st.text("ab1-", min_size=0, max_size=45),
    st.sampled_from(["aws", "default", "platform", "aws-x", "a" * 24, "a" * 25, "a" * 40]),
)


def usable(kind: str, name: str) -> bool:
    try:
        check_name(kind, name)
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, names in WRONG.items() for n in names])
def test_a_name_that_aws_would_refuse_is_refused(kind: str, name: str) -> None:
    assert not usable(kind, name)


@given(st.sampled_from(sorted(KINDS)), texts)
def test_the_templates_have_the_rule_of_the_toolkit(parameter: str, name: str) -> None:
    for template in NAMES:
        if "AllowedPattern" in load(template)["Parameters"].get(parameter, {}):
            assert accepts(template, parameter, name) is usable(KINDS[parameter], name), template


def test_each_template_names_its_app_by_the_rule() -> None:
    patterns = {load(name)["Parameters"]["AppName"]["AllowedPattern"] for name in NAMES}
    assert len(patterns) == 1


def pattern_of(service: str, operation: str, member: str) -> tuple[str, int]:
    """What botocore's model says that a call takes: a pattern and the longest text."""
    client = boto3.client(service, region_name="eu-central-1")
    shape = client.meta.service_model.operation_model(operation).input_shape
    found = shape.members[member]
    return found.metadata.get("pattern", ".*"), int(found.metadata.get("max", 255))


TAKEN = {
    name: pattern_of(*where)
    for name, where in {
        "repository": ("ecr", "CreateRepository", "repositoryName"),
        "group": ("scheduler", "CreateScheduleGroup", "Name"),
        "schedule": ("scheduler", "CreateSchedule", "Name"),
        "stack": ("cloudformation", "CreateChangeSet", "ChangeSetName"),
        "log group": ("logs", "CreateLogGroup", "logGroupName"),
    }.items()
}


@given(texts.filter(lambda name: usable("app", name)), texts)
def test_every_name_made_of_usable_ones_is_one_that_aws_takes(app: str, other: str) -> None:
    name = other if usable("workload", other) else "weather"
    names = AppNames(app)
    made = {
        "repository": [app],
        "group": [app],
        "schedule": [name, f"{name}.check"],
        "stack": [names.platform_stack, names.workload_stack(name), names.schedule_stack(name)],
        "log group": [names.log_group(name), f"/aws/events/{app}/lifecycle"],
    }
    for kind, made_names in made.items():
        pattern, longest = TAKEN[kind]
        for text in made_names:
            assert re.fullmatch(pattern, text), (kind, text)
            assert len(text) <= longest, (kind, text)
    assert len(app) >= 2  # ECR's least, which botocore has as a number only


def test_the_longest_names_are_those_of_the_templates() -> None:
    assert LONGEST == {"app": 24, "workload": 40, "schedule": 40}


def test_a_workload_that_begins_like_another_is_refused() -> None:
    with pytest.raises(ConfigError, match="runs/stream-\\*") as caught:
        check_workloads(["stream", "stream-eth", "weather"])
    assert "rename stream-eth" in str(caught.value.hint)
    check_workloads(["stream", "streams", "weather"])


def test_this_repositorys_workloads_are_named_by_the_rule() -> None:
    check_workloads(load_catalog().workloads)


def test_a_project_with_such_workloads_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "toolkit.toml").write_text('[default]\napp = "app"\n')
    (tmp_path / "workloads").mkdir()
    table = 'summary = ""\nentry_point = "x:y"\ncpu = 256\nmemory = 512\nmax_runtime_seconds = 60\n'
    rows = "".join(f"[workloads.{name}]\n{table}events = []\n" for name in ("tides", "tides-x"))
    (tmp_path / "workloads" / "catalog.toml").write_text(rows)
    with pytest.raises(ConfigError, match="tides-x"):
        Project.find(tmp_path).config("default")
