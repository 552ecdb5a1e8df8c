"""The answers of `toolkit deploy --guided` in toolkit.toml."""

import tomllib
from pathlib import Path

import pytest

from toolkit.adapters.project import Project
from toolkit.app.deploying import guided
from toolkit.core.errors import ConfigError
from toolkit.runtime.catalog import load

TEXT = """\
# Ours.
[default]
app = "nightly"  # everywhere

[default.platform]
NotificationEmail = "ops@example.org"
"""
Answers = dict[tuple[str, ...], str]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "toolkit.toml").write_text(TEXT)
    return Project(tmp_path, load())


def answers(**changes: str) -> Answers:
    made = {question.key: question.default for question in guided.QUESTIONS if not question.key[1:]}
    made[("app",)] = "nightly"
    made[("platform", "NotificationEmail")] = "ops@example.org"
    return {**made, **{tuple(key.split("__")): value for key, value in changes.items()}}


def test_answers_go_into_the_environment_and_comments_stay(project: Project) -> None:
    given = answers(region="eu-west-1", workload__CpuArchitecture="ARM64", network="private")
    guided.save(project, "prod", given)
    text = project.config_text()
    assert text.startswith(TEXT)
    assert tomllib.loads(text)["prod"] == {
        "region": "eu-west-1",
        "platform": {"NetworkMode": "private"},
        "workload": {"CpuArchitecture": "ARM64"},
    }
    config = project.config("prod")
    assert (config.app.name, config.region) == ("nightly", "eu-west-1")
    assert config.platform["NotificationEmail"] == "ops@example.org"


def test_answers_are_the_defaults_of_the_next_time(project: Project) -> None:
    given = answers(network="existing", platform__VpcId="vpc-1", platform__SubnetIds="subnet-1")
    guided.save(project, "prod", {**given, ("platform", "NetworkMode"): "private"})
    known = guided.current(project, "prod")
    assert known[guided.NETWORK] == "existing"
    assert known[("platform", "VpcId")] == "vpc-1"
    guided.save(project, "prod", {**known, guided.NETWORK: "public"})
    table = tomllib.loads(project.config_text())["prod"]["platform"]
    assert table == {"NetworkMode": "public"}


@pytest.mark.parametrize(
    ("environment", "changes", "message"),
    [
        ("local", {}, "--guided is for AWS"),
        ("prod", {"app": "No Name"}, "app name 'No Name'"),
        ("prod", {"network": "existing"}, "needs its VPC id and subnet ids"),
    ],
)
def test_an_answer_that_is_not_usable_changes_nothing(
    project: Project, environment: str, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        guided.save(project, environment, answers(**changes))
    assert project.config_text() == TEXT
