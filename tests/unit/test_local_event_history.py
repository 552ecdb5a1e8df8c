"""The event history answers as LookupEvents does, from files that a kill may have cut."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.local.ministack.upstream.event_history import (
    EventFiles,
    RefusedLookupError,
    is_kept,
    outcome,
    shown,
)

DAY = 86_400
NOW = 1_795_521_600.0
PLACE = "000000000000-eu-west-1"
ANN = {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Ops/ann", "accessKeyId": "A"}


def event(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "userIdentity": ANN,
        "eventName": "UpdateSchedule",
        "eventSource": "scheduler.amazonaws.com",
        "eventID": str(number),
        "resources": [{"ARN": f"arn:aws:scheduler:r:1:schedule/app/s{number}"}],
    } | changes


def history(tmp_path: Path, *times: float, **changes: Any) -> EventFiles:
    made = EventFiles(tmp_path)
    for number, at in enumerate(times):
        made.add(PLACE, at, event(number, **changes))
    return made


def ids(answer: dict[str, Any]) -> list[str]:
    return [row["EventId"] for row in answer["Events"]]


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


@settings(max_examples=examples(40), deadline=None)
@given(
    times=st.lists(st.integers(0, 5 * DAY), max_size=30),
    size=st.integers(1, 50),
    since=st.none() | st.integers(0, 5 * DAY),
    until=st.none() | st.integers(0, 5 * DAY),
)
def test_pages_hold_every_event_of_a_time_once_newest_first(
    tmp_path_factory: pytest.TempPathFactory,
    times: list[int],
    size: int,
    since: int | None,
    until: int | None,
) -> None:
    if since is not None and until is not None and since > until:
        since, until = until, since
    first = NOW - 6 * DAY
    made = history(tmp_path_factory.mktemp("h"), *(first + time for time in times))
    request: dict[str, Any] = {"MaxResults": size}
    request |= {} if since is None else {"StartTime": first + since}
    request |= {} if until is None else {"EndTime": first + until}
    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        answer = made.lookup(PLACE, request | more, NOW)
        assert len(answer["Events"]) <= size
        found += ids(answer)
        if "NextToken" not in answer:
            break
        more = {"NextToken": answer["NextToken"]}
        made.add(PLACE, NOW - 1, event(999, eventName="Later"))  # no page moves
    expected = [
        (time, number)
        for number, time in enumerate(times)
        if (since is None or time >= since) and (until is None or time <= until)
    ]
    assert found == [str(number) for _time, number in sorted(expected, reverse=True)]


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("EventName", "UpdateSchedule", ["1", "0"]),
        ("EventName", "Update", []),
        ("EventSource", "scheduler.amazonaws.com", ["1", "0"]),
        ("EventId", "1", ["1"]),
        ("Username", "ann", ["1", "0"]),
        ("Username", "Ops", []),
        ("AccessKeyId", "A", ["1", "0"]),
        ("ReadOnly", "false", ["1", "0"]),
        ("ReadOnly", "true", []),
        ("ResourceName", "s1", ["1"]),
        ("ResourceName", "arn:aws:scheduler:r:1:schedule/app/s1", ["1"]),
        ("ResourceName", "1", []),
    ],
)
def test_events_are_chosen_by_one_attribute(
    tmp_path: Path, key: str, value: str, found: list[str]
) -> None:
    made = history(tmp_path, NOW - 20, NOW - 10)
    assert ids(made.lookup(PLACE, attribute(key, value), NOW)) == found


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ({"arn": "arn:aws:iam::1:root"}, "root"),
        ({"arn": "arn:aws:iam::1:user/team/ann", "userName": "ann"}, "ann"),
        (ANN, "ann"),
        ({"arn": ""}, ""),
    ],
)
def test_a_caller_has_the_name_of_cloudtrail(
    tmp_path: Path, identity: dict[str, str], name: str
) -> None:
    (row,) = history(tmp_path, NOW, userIdentity=identity).lookup(PLACE, {}, NOW)["Events"]
    assert row["Username"] == name


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"LookupAttributes": 2 * attribute("EventId", "1")["LookupAttributes"]}, "Attributes"),
        (attribute("Colour", "red"), "Attributes"),
        ({"MaxResults": 0}, "MaxResults"),
        ({"MaxResults": 51}, "MaxResults"),
        ({"StartTime": NOW, "EndTime": NOW - 1}, "TimeRange"),
        ({"NextToken": "soon"}, "NextToken"),
        ({"NextToken": "W10="}, "NextToken"),
    ],
)
def test_a_request_that_aws_does_not_take_is_refused(
    tmp_path: Path, request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(RefusedLookupError) as caught:
        history(tmp_path, NOW).lookup(PLACE, request_, NOW)
    assert code in caught.value.code


def test_a_token_belongs_to_its_request(tmp_path: Path) -> None:
    made = history(tmp_path, NOW - 20, NOW - 10)
    token = {"NextToken": made.lookup(PLACE, {"MaxResults": 1}, NOW)["NextToken"]}
    assert ids(made.lookup(PLACE, token, NOW)) == ["0"]
    with pytest.raises(RefusedLookupError):
        made.lookup(PLACE, attribute("EventName", "UpdateSchedule") | token, NOW)


def test_events_are_of_their_account_and_region(tmp_path: Path) -> None:
    assert ids(history(tmp_path, NOW).lookup("000000000000-us-east-1", {}, NOW)) == []


def test_after_90_days_an_event_is_neither_shown_nor_kept(tmp_path: Path) -> None:
    made = history(tmp_path, NOW - 100 * DAY, NOW - 90 * DAY - 1, NOW - 89 * DAY)
    assert ids(made.lookup(PLACE, {"StartTime": 0.0}, NOW)) == ["2"]
    made.add(PLACE, NOW, event(3))
    assert len(list(tmp_path.glob("*/*.jsonl"))) == 3  # of 90 days ago, today and 89 days ago


def test_a_line_that_a_kill_cut_takes_no_other_with_it(tmp_path: Path) -> None:
    made = history(tmp_path, NOW - 20)
    (path,) = tmp_path.glob("*/*.jsonl")
    with path.open("ab") as file:
        file.write(path.read_bytes()[:-40] + b"\n")
    made.add(PLACE, NOW, event(7))
    assert ids(made.lookup(PLACE, {}, NOW)) == ["7", "0"]


@pytest.mark.parametrize(
    ("action", "kept"),
    [
        ("scheduler:DeleteSchedule", True),
        ("ecs:RunTask", True),
        ("ecr:BatchDeleteImage", True),
        ("kms:Sign", True),
        ("ecr:BatchGetImage", False),
        ("cloudformation:DescribeStacks", False),
        ("cloudtrail:LookupEvents", False),
        ("logs:PutLogEvents", False),
        ("s3:PutObject", False),
        ("sqs:SendMessage", False),
    ],
)
def test_what_only_reads_and_what_is_about_data_is_left_out(action: str, kept: bool) -> None:
    assert is_kept(action) is kept


def test_names_begin_small_and_secrets_are_hidden() -> None:
    container = {"name": "main", "Environment": [{"name": "TOKEN", "value": "secret"}]}
    asked = {"Overrides": {"ContainerOverrides": [container]}, "Value": "secret", "Tags": []}
    asked |= {"SecretString": "secret", "Tag": {"Value": "plain"}}
    assert "secret" not in json.dumps(shown(asked)).replace("secretString", "")
    assert shown(asked)["tag"] == {"value": "plain"}
    assert shown(asked)["overrides"]["containerOverrides"][0]["name"] == "main"


@pytest.mark.parametrize(
    ("status", "headers", "content", "error"),
    [
        (200, {}, b"", None),
        (200, {}, b"<Answer/>", None),
        (400, {}, b'{"__type": "a.b#ClientException", "message": "no"}', ("ClientException", "no")),
        (403, {"x-amzn-errortype": "AccessDenied"}, b'{"Message": "no"}', ("AccessDenied", "no")),
        (404, {}, b"<E><Code>NoSuchBucket</Code><Message>no</Message></E>", ("NoSuchBucket", "no")),
        (500, {}, b"", ("", "")),
    ],
)
def test_an_answer_tells_of_its_error(
    status: int, headers: dict[str, str], content: bytes, error: tuple[str, str] | None
) -> None:
    told = outcome(status, headers, content)
    assert told["responseElements"] is None
    assert (told.get("errorCode"), told.get("errorMessage")) == (error or (None, None))


def test_the_elements_of_an_answer_are_kept() -> None:
    answer = {"failures": [{"reason": "RESOURCE:MEMORY"}], "tasks": []}
    assert outcome(200, {}, json.dumps(answer).encode()) == {"responseElements": answer}


@pytest.mark.parametrize(
    "line",
    [
        b"}",
        b"{}",
        b"[1]",
        b"null",
        b"\xff\xfe}",
        b'{"EventTime": "soon"}',
        b"[" * 100_000,
        b"{" * 9,
    ],
)
def test_a_damaged_line_takes_no_other_with_it(tmp_path: Path, line: bytes) -> None:
    files = history(tmp_path, NOW - 1)
    (path,) = tmp_path.rglob("*.jsonl")
    path.write_bytes(line + b"\n" + path.read_bytes() + line)
    assert ids(files.lookup(PLACE, {}, NOW)) == ["0"]
