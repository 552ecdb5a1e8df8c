"""Releases: their id is their content, and what was altered is not deployed."""

import json
from typing import Any

import pytest

from tests.fake_aws import FakeAws
from toolkit.adapters.bucket.releases import Releases
from toolkit.core.deploying.plans import Spec
from toolkit.core.deploying.release import INDEX, Release, choose, parse, release_id, wanted_files
from toolkit.core.errors import ConfigError, StackError

PLATFORM = Spec("app", "app-platform", "platform", {"AppName": "app"})
WORKLOAD = Spec("app", "app-workload-x", "workload", {"Cpu": "256"}, {"BucketName": "app-platform"})
SCHEDULE = Spec(
    "app",
    "app-schedule-x",
    "schedule",
    {"State": "ENABLED"},
    {"TaskDefinitionArn": "app-workload-x", "ClusterArn": "app-platform"},
)
TEMPLATES = {"platform": "P", "workload": "W", "schedule": "S"}


def release(**changes: object) -> Release:
    values = {
        "app": "app",
        "image": "repo@sha256:0",
        "specs": (PLATFORM, WORKLOAD, SCHEDULE),
        "templates": TEMPLATES,
        "sources": {"schedules/x.toml": 'expression = "rate(1 day)"\n'},
        "outputs": {"app-platform": {"BucketName": "bucket", "ClusterArn": "cluster"}},
    }
    return Release(**{**values, **changes})  # type: ignore[arg-type]


def identity(made: Release) -> str:
    return release_id(made.files()[INDEX])


def test_the_same_content_has_the_same_id_in_whatever_order_it_came() -> None:
    turned = dict(reversed(TEMPLATES.items()))
    assert identity(release()) == identity(release(templates=turned))


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "repo@sha256:1"},
        {"templates": {**TEMPLATES, "schedule": "S2"}},
        {"sources": {"schedules/x.toml": ""}},
        {"specs": (PLATFORM, WORKLOAD)},
        {"outputs": {"app-platform": {"BucketName": "another", "ClusterArn": "cluster"}}},
    ],
)
def test_other_content_has_another_id(changes: dict[str, object]) -> None:
    assert identity(release(**changes)) != identity(release())


def test_a_release_that_is_read_back_is_the_one_that_was_written() -> None:
    made = release()
    files = made.files()
    index = files[INDEX]
    read = parse(release_id(index), index, {path: files[path] for path in wanted_files(index)})
    assert (read.app, read.image, read.specs) == (made.app, made.image, made.specs)
    assert read.templates == TEMPLATES


def test_an_altered_index_or_template_is_refused() -> None:
    files = release().files()
    index = files[INDEX]
    good = {path: files[path] for path in wanted_files(index)}
    with pytest.raises(ConfigError, match=r"release\.json differs from what was packaged"):
        parse(release_id(index), index.replace("256", "512"), good)
    with pytest.raises(ConfigError, match=r"workload\.yaml differs from what was packaged"):
        parse(release_id(index), index, {**good, "templates/workload.yaml": "W2"})


def test_parameter_files_hold_the_outputs_that_are_known_and_mark_the_others() -> None:
    files = release().files()
    pairs = json.loads(files["stacks/schedule/app-schedule-x/parameters.json"])
    assert pairs == [
        "ClusterArn=cluster",
        "State=ENABLED",
        "TaskDefinitionArn=@app-workload-x@",
    ]
    tags = json.loads(files["stacks/workload/app-workload-x/tags.json"])
    assert "app=app" in tags
    assert "toolkit:noun=workload" in tags


def test_a_plan_takes_the_outputs_that_are_there_when_it_is_made() -> None:
    outputs = {
        "app-platform": {"ClusterArn": "now"},
        "app-workload-x": {"TaskDefinitionArn": "revision:2"},
    }
    plan = SCHEDULE.plan("S", outputs)
    assert plan.parameters == {
        "State": "ENABLED",
        "TaskDefinitionArn": "revision:2",
        "ClusterArn": "now",
    }


def test_a_plan_without_an_output_that_it_needs_says_which() -> None:
    with pytest.raises(
        StackError, match="needs ClusterArn, which is not an output of stack app-platform"
    ):
        SCHEDULE.plan("S", {"app-workload-x": {"TaskDefinitionArn": "revision:2"}})


def test_a_stacks_digest_follows_its_template_and_its_parameters_names_only() -> None:
    other_value = Spec("app", "n", "schedule", {"State": "DISABLED"}, SCHEDULE.wires)
    fewer = Spec("app", "n", "schedule", {}, SCHEDULE.wires)
    digest = SCHEDULE.tags("S")["toolkit:digest"]
    assert other_value.tags("S")["toolkit:digest"] == digest
    assert fewer.tags("S")["toolkit:digest"] != digest
    assert SCHEDULE.tags("S2")["toolkit:digest"] != digest


@pytest.mark.parametrize("letter", ["#", "ä"])
def test_a_template_that_cloudformation_would_refuse_for_its_size_is_refused(letter: str) -> None:
    most = letter * (51_200 // len(letter.encode()))
    PLATFORM.check(most)
    release(templates={**TEMPLATES, "platform": most}).files()
    with pytest.raises(ConfigError, match=r"app-platform has 51,20. bytes, and CloudFormation"):
        PLATFORM.check(f"{most} ")
    with pytest.raises(ConfigError, match="app-workload-x has"):
        release(templates={**TEMPLATES, "workload": f"{most}{letter}"}).files()


def test_a_release_is_chosen_by_the_beginning_of_its_id() -> None:
    assert choose("ab", ["abcd", "acde"]) == "abcd"
    with pytest.raises(ConfigError, match="several: abcd, acde"):
        choose("a", ["abcd", "acde"])
    with pytest.raises(ConfigError, match="none"):
        choose("x", ["abcd"])


def test_a_release_of_a_later_format_is_refused() -> None:
    index = release().files()[INDEX].replace('"release/1"', '"release/2"')
    with pytest.raises(ConfigError, match="upgrade the toolkit"):
        parse(release_id(index), index, {})


def test_what_is_no_release_is_not_listed_and_what_is_no_text_is_refused() -> None:
    index = release().files()[INDEX].encode()
    strange = ("releases/release.json", "releases/notes/release.json", "releases/00/x/release.json")
    aws: Any = FakeAws(objects=dict.fromkeys(strange, b"") | {"releases/00ff/release.json": index})
    found = Releases(aws, "bucket")
    assert [row.id for row in found.listed()] == ["00ff"]
    assert found.images() == {release().image}
    aws.objects["releases/00ff/release.json"] = b"\xff"
    with pytest.raises(ConfigError, match=r"release 00ff: release\.json differs"):
        found.images()
