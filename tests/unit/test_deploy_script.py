"""`deploy.sh` of a release, run with a fake of the AWS CLI: what it would send."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cloudformation import TEMPLATES
from toolkit.adapters.aws.notices import METRIC, NAMESPACE

ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition/app-weather:7"
# Prints the ARN that describe-stacks is asked for; keeps the parameters that deploy is given.
FAKE = """#!/bin/sh
case "$2" in
describe-stacks) echo {arn} ;;
deploy) for word; do case "$word" in file:///*) cat "${{word#file://}}" ;;
  esac; done > "$SENT" ;;
esac
"""


@pytest.mark.parametrize(
    ("start", "sent", "said"),
    [
        ("", "", ""),
        ("2020-01-01T00:00:00Z", "", "the start 2020-01-01T00:00:00Z has passed"),
        ("2199-01-01T00:00:00Z", "2199-01-01T00:00:00Z", ""),
    ],
)
def test_a_start_that_has_passed_is_left_out(
    tmp_path: Path, start: str, sent: str, said: str
) -> None:
    folder = tmp_path / "stacks" / "schedule" / "app-schedule-weather"
    folder.mkdir(parents=True)
    parameters = [
        "EndDate=2030-01-01T00:00:00Z",
        f"StartDate={start}",
        "TaskDefinitionArn=@app-workload-weather@",
    ]
    (folder / "parameters.json").write_text(json.dumps(parameters, indent=1) + "\n")
    (tmp_path / "deploy.sh").write_text((TEMPLATES / "deploy.sh").read_text())
    fake = tmp_path / "bin" / "aws"
    fake.parent.mkdir()
    fake.write_text(FAKE.format(arn=ARN))
    fake.chmod(0o755)
    done = subprocess.run(
        ["sh", str(tmp_path / "deploy.sh")],
        env={"PATH": f"{fake.parent}:/usr/bin:/bin", "SENT": str(tmp_path / "sent.json")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said in done.stderr
    assert bool(done.stderr) == bool(said)
    assert json.loads((tmp_path / "sent.json").read_text()) == [
        parameters[0],
        f"StartDate={sent}",
        f"TaskDefinitionArn={ARN}",
    ]


def test_the_first_heartbeat_goes_before_the_stack_of_the_audit(tmp_path: Path) -> None:
    for stack in ("app-workload-audit", "app-workload-weather"):
        folder = tmp_path / "stacks" / "workload" / stack
        folder.mkdir(parents=True)
        (folder / "parameters.json").write_text("[]\n")
    (tmp_path / "deploy.sh").write_text((TEMPLATES / "deploy.sh").read_text())
    fake = tmp_path / "bin" / "aws"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$*" >> "$SENT"\n')
    fake.chmod(0o755)
    sent = tmp_path / "sent"
    subprocess.run(
        ["sh", str(tmp_path / "deploy.sh")],
        env={"PATH": f"{fake.parent}:/usr/bin:/bin", "SENT": str(sent)},
        check=True,
    )
    lines = sent.read_text().splitlines()
    beat = next(number for number, line in enumerate(lines) if "put-metric-data" in line)
    stack = next(number for number, line in enumerate(lines) if "app-workload-audit" in line)
    assert beat < stack
    for words in (f"--namespace {NAMESPACE}", f"--metric-name {METRIC}", "App=app"):
        assert words in lines[beat]
