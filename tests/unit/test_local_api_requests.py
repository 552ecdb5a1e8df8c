"""What a request asks for is read from JSON, a form or an address."""

from typing import Any

import pytest

from toolkit.local.ministack.upstream import api_requests

ALARM = "AlarmName=a&Period=60&Threshold=1.5&Dimensions.member.1.Name=q&Dimensions.member.1.Value="
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON = {"x-amz-target": "AmazonSQS.CreateQueue"}


def read(service: str, **given: Any) -> tuple[str, dict[str, Any]]:
    request = {"method": "POST", "path": "/", "headers": {}, "body": b"", "query": {}, **given}
    return api_requests.read(service, *request.values())


def test_a_form_is_read_at_any_depth() -> None:
    body = f"Action=PutMetricAlarm&{ALARM}".encode()
    assert read("cloudwatch", headers=FORM, body=body) == (
        "PutMetricAlarm",
        {
            "AlarmName": "a",
            "Period": 60,
            "Threshold": 1.5,
            "Dimensions": [{"Name": "q", "Value": ""}],
        },
    )


def test_a_map_of_a_form_has_its_entries() -> None:
    body = b"Action=CreateTopic&Name=t&Attributes.entry.1.key=a&Attributes.entry.1.value=b"
    _, members = read("sns", headers=FORM, body=body)
    assert members == {"Name": "t", "Attributes": {"a": "b"}}


def test_an_action_may_stand_in_the_address() -> None:
    query = {"Action": ["ListRoles"], "Marker": ["m"]}
    assert read("iam", method="GET", query=query) == ("ListRoles", {"Marker": "m"})


def test_json_is_read_by_its_target() -> None:
    assert read("sqs", headers=JSON, body=b'{"QueueName": "q"}') == (
        "CreateQueue",
        {"QueueName": "q"},
    )


def test_a_resource_is_read_by_its_address() -> None:
    found = read("scheduler", method="GET", path="/schedules", query={"NextToken": ["t"]})
    assert found == ("ListSchedules", {"NextToken": "t"})
    assert read("scheduler", method="GET", path="/schedules/one") == ("", {})


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_document_has_no_members(body: bytes) -> None:
    assert read("sqs", headers=JSON, body=body) == ("CreateQueue", {})


@pytest.mark.parametrize("form", ["Tags.member.x.Key=k", "Tags.member=k", "Tags=k", "=", "&&"])
def test_a_form_that_fits_no_member_is_left_to_the_service(form: str) -> None:
    body = f"Action=CreateRole&{form}".encode()
    _, members = read("iam", headers=FORM, body=body)
    assert members.get("Tags", []) == []


def test_an_operation_that_the_model_lacks_has_no_members() -> None:
    assert read("iam", headers=FORM, body=b"Action=Nope&Marker=m") == ("Nope", {})
