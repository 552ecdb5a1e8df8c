"""The queue is emptied of what is kept, and of nothing else."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fake_aws import FakeAws, Row, platform_stack
from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.deploying import delete
from toolkit.app.proof import dead_letters
from toolkit.core.deploying.config import Config
from toolkit.core.errors import ToolkitError
from toolkit.core.names import AppNames
from toolkit.core.proof.dead_letter import from_json
from toolkit.runtime.catalog import load
from toolkit.runtime.layout import DEAD_LETTERS

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OUTPUTS = {"BucketName": "bucket", "DeadLetterQueueUrl": "queue"}


def letter(number: int, **attributes: str) -> Row:
    known = {
        "ERROR_CODE": "AccessDenied",
        "SCHEDULE_ARN": "arn:aws:scheduler:eu-central-1:1:schedule/app/weather",
        "SCHEDULED_TIME": f"2026-11-23T{number:02}:00:00Z",
        **attributes,
    }
    rows = {name: {"StringValue": value} for name, value in known.items() if value}
    return {"MessageId": str(number), "ReceiptHandle": f"h{number}", "MessageAttributes": rows}


def an_app(aws: FakeAws) -> App:
    project, config = Project(Path(), load()), Config("local", AppNames("app"))
    door: Any = aws
    console: Any = None
    return App(project, config, door, console, lambda: NOW, local=True)


def kept(aws: FakeAws) -> list[str]:
    keys = sorted(key for key in aws.objects if key.startswith(DEAD_LETTERS))
    return [row.message_id for key in keys for row in from_json(aws.objects[key])]


def test_letters_are_kept_before_they_are_taken_out_and_others_stay() -> None:
    foreign = letter(99, ERROR_CODE="")  # not one of Scheduler's
    aws = FakeAws(stacks=[platform_stack(OUTPUTS, "app")])
    aws.letters = [foreign, *(letter(number) for number in range(8))]
    app = an_app(aws)
    letters = dead_letters.queued(app)
    assert dead_letters.empty(app, letters) == 8
    assert kept(aws) == [str(number) for number in range(8)]
    assert aws.letters == [foreign]
    aws.letters = [letter(3)]  # the same one, delivered again
    assert dead_letters.empty(app, dead_letters.queued(app)) == 1
    assert len(kept(aws)) == 8


@pytest.mark.parametrize("denied", ["PutObject", "DeleteMessageBatch"])
def test_a_letter_that_cannot_be_kept_or_deleted_stays(denied: str) -> None:
    aws = FakeAws(stacks=[platform_stack(OUTPUTS, "app")], letters=[letter(1)], denied={denied})
    app = an_app(aws)
    with pytest.raises(ToolkitError, match=denied):
        dead_letters.empty(app, dead_letters.queued(app))
    assert len(aws.letters) == 1


def test_a_letter_that_came_meanwhile_stays() -> None:
    aws = FakeAws(stacks=[platform_stack(OUTPUTS, "app")], letters=[letter(1)])
    app = an_app(aws)
    letters = dead_letters.queued(app)
    aws.letters.append(letter(2))
    assert dead_letters.empty(app, letters) == 1
    assert [row["MessageId"] for row in aws.letters] == ["2"]


@pytest.mark.parametrize("denied", [set(), {"PutObject"}])
def test_a_deletion_keeps_what_is_in_the_queue_or_says_that_it_could_not(denied: set[str]) -> None:
    aws = FakeAws(stacks=[platform_stack(OUTPUTS, "app")], denied=denied)
    aws.letters = [letter(number) for number in range(3)]
    app, said = an_app(aws), []
    app.console = SimpleNamespace(say=said.append)  # type: ignore[assignment]
    delete._keep_end(app, NOW)
    assert kept(aws) == ([] if denied else ["0", "1", "2"])
    assert bool(said) == bool(denied)
