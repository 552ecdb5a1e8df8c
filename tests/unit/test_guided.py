"""The answers of `toolkit deploy --guided` in toolkit.toml."""

import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from toolkit.adapters.project.project import Project
from toolkit.app.deploying import guided
from toolkit.cli.deploying.guided import ask
from toolkit.core.errors import ConfigError
from toolkit.runtime.catalog import load

TEXT = """\
# Ours.
[default]
app = "nightly"  # everywhere

[default.platform]
NotificationEmail = "ops@example.org"
"""
VPC, SUBNETS = "vpc-0123456789abcdef0", "subnet-01234567, subnet-0123456789abcdef0"
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
    given = answers(network="existing", platform__VpcId=VPC, platform__SubnetIds=SUBNETS)
    guided.save(project, "prod", {**given, ("platform", "NetworkMode"): "private"})
    known = guided.current(project, "prod")
    assert known[guided.NETWORK] == "existing"
    assert known[("platform", "VpcId")] == VPC
    guided.save(project, "prod", {**known, guided.NETWORK: "public"})
    table = tomllib.loads(project.config_text())["prod"]["platform"]
    assert table == {"NetworkMode": "public"}


@pytest.mark.parametrize(
    ("environment", "changes", "message"),
    [
        ("local", {}, "--guided is for AWS"),
        ("prod", {"app": "No Name"}, "app name 'No Name'"),
        ("prod", {"network": "existing"}, "needs its VPC id and subnet ids"),
        ("prod", {"region": "Frankfurt"}, "'Frankfurt' is not an AWS region"),
        ("prod", {"network": "existing", "platform__VpcId": "vpc-1"}, "'vpc-1' is not a VPC id"),
        ("prod", {"platform__NotificationEmail": "me"}, "'me' is not an e-mail address"),
    ],
)
def test_an_answer_that_is_not_usable_changes_nothing(
    project: Project, environment: str, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        guided.save(project, environment, answers(**changes))
    assert project.config_text() == TEXT


def asked(project: Project, *typed: str) -> tuple[str, str]:
    """What the questions print, and the file after them; without more input comes Ctrl-C."""
    (project.root / "workloads").mkdir()
    catalog = Path(__file__).parents[2] / "workloads" / "catalog.toml"
    (project.root / "workloads" / "catalog.toml").write_bytes(catalog.read_bytes())

    @click.command()
    def command() -> None:
        ask(project.root, "prod", local=False)

    done = CliRunner().invoke(command, input="".join(f"{line}\n" for line in typed))
    return done.output, project.config_text()


def test_a_wrong_answer_is_asked_for_again_at_once(project: Project) -> None:
    typed = ["", "No Name", "", "Frankfurt", "eu-west-1", "", "existing", "vpc-1", VPC, SUBNETS]
    output, text = asked(project, *typed, "private", "", "me", "me@example.org")
    assert "app name 'No Name' is not usable" in output
    assert "'Frankfurt' is not an AWS region; such as eu-central-1" in output
    assert "'vpc-1' is not a VPC id" in output
    assert "'me' is not an e-mail address" in output
    saved = tomllib.loads(text)["prod"]
    assert saved["region"] == "eu-west-1"
    assert saved["platform"]["VpcId"] == VPC
    assert saved["platform"]["NotificationEmail"] == "me@example.org"


def test_answers_before_an_interruption_are_kept(project: Project) -> None:
    output, text = asked(project, "", "", "eu-west-1", "", "existing", VPC)
    assert "the answers so far are in toolkit.toml" in output
    assert tomllib.loads(text)["prod"] == {"region": "eu-west-1"}
    assert guided.current(project, "prod")[("region",)] == "eu-west-1"


def test_an_interruption_before_the_first_answer_changes_nothing(project: Project) -> None:
    _, text = asked(project, "")
    assert text == TEXT
