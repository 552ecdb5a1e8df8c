"""Filter patterns of CloudWatch Logs, with the examples of AWS's pages.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-json-log-events.html
"""

import json

import pytest

from toolkit.local.ministack.upstream.filter_pattern import PatternError, read

MESSAGES = (
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "[WARN 500] INTERNAL SERVER ERROR",
    "[SUCCESS 200] AUTHORIZED REQUEST",
)
TRAIL = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "cluster.name": "c",
        "errorCode": 400,
        "number": [0.001],
        "flag": True,
    }
)
USERS = json.dumps(
    {
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [
            {"id": 2, "email": "John.Doe@example.com"},
            {"id": 3, "email": "Jane.Doe@example.com"},
        ],
        "actions": ["GET", "PUT", "DELETE"],
        "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    }
)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", "012345"),
        (" ", "012345"),
        ("ERROR", "01234"),
        ("error", ""),
        ("ERROR ARGUMENTS", "23"),
        ("?ERROR ?ARGUMENTS", "01234"),
        ("?WARN ?SUCCESS", "45"),
        ("?SUCCESS REQUEST", "015"),
        ('"INTERNAL SERVER ERROR"', "4"),
        ('"[WARN"', "4"),
        ("ERROR -ARGUMENTS", "014"),
        ('REQUEST -"BAD REQUEST" -SUCCESS', "1"),
        ("%AUTHORIZED%", "15"),
        ("%ERROR 4[0-9]{2}%", "0123"),
    ],
)
def test_terms_are_found_in_plain_messages(pattern: str, found: str) -> None:
    matches = read(pattern)
    assert "".join(str(n) for n, text in enumerate(MESSAGES) if matches(text)) == found


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "UpdateTrail" }',
        '{$.eventType="UpdateTrail"}',
        "{ $.eventType = UpdateTrail }",
        '{ $.eventType = "Update*" }',
        "{ $.eventType = %Trail% }",
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.sourceIPAddress = 111.111.* }",
        '{ $.arrayKey[0] = "value" }',
        '{ $.arrayKey[*] = "another value" }',
        "{ $.objectList[1].id = 2 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.flag IS TRUE }",
        "{ $.['cluster.name'] = \"c\" }",
        "{ $.errorCode = 400 }",
        "{ $.errorCode != 500 }",
        "{ $.errorCode > 399 && $.errorCode >= 400 && $.errorCode < 401 && $.errorCode <= 400 }",
        "{ $.number[0] = 1e-3 }",
        "{ $.number[0] != 1e+3 }",
    ],
)
def test_a_condition_that_the_event_meets(pattern: str) -> None:
    assert read(pattern)(TRAIL)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "Update" }',
        '{ $.eventType != "UpdateTrail" }',
        '{ $.missing != "anything" }',
        "{ $.missing IS NULL }",
        "{ $.SomeObject NOT EXISTS }",
        "{ $.errorCode > 400 }",
        '{ $.errorCode = "400" }',
        "{ $.eventType > 3 }",
        "{ $.flag = 1 }",
        "{ $.flag IS FALSE }",
        "{ $.objectList[7].id = 2 }",
        '{ $.arrayKey = "value" }',
        "{ $.eventType[0] = U }",
    ],
)
def test_a_condition_that_the_event_does_not_meet(pattern: str) -> None:
    assert not read(pattern)(TRAIL)


@pytest.mark.parametrize(
    ("pattern", "met"),
    [
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
        (
            '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }',
            False,
        ),
        (
            (
                '{ $.user.email = "John.Stiles@example.com" '
                '|| $.coordinates[0][1] = "nonmatch" && $.actions[2] = "nonmatch" }'
            ),
            True,
        ),
        (
            (
                '{ ($.user.email = "John.Stiles@example.com" '
                '|| $.coordinates[0][1] = "nonmatch") && $.actions[2] = "nonmatch" }'
            ),
            False,
        ),
    ],
)
def test_and_binds_more_tightly_than_or(pattern: str, met: bool) -> None:
    assert read(pattern)(USERS) is met


def test_our_own_lines_are_found_by_event_and_number() -> None:
    matches = read('{ $.event = "run.finished" && $.seq > 3 }')
    lines = [json.dumps({"seq": n, "event": "run.finished"}) for n in range(6)]
    assert [matches(line) for line in lines] == [False, False, False, False, True, True]


def test_a_message_that_is_no_json_meets_no_condition() -> None:
    assert not read("{ $.x NOT EXISTS }")("plain text")
    assert not read("{ $.x NOT EXISTS }")("42")


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.x = 1",
        "{ $.x }",
        "{ $.x = }",
        "{ x = 1 }",
        "{ $.x = 1 && }",
        "{ ($.x = 1 }",
        "{ $.x > text }",
        '{ $.x = 1 "y" }',
        "{ $.x = %(a)% }",
        "%(a)%",
        "%[%",
        "{}",
        "run.finished",
        '"never closed',
        "[ip, user]",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"^Invalid "):
        read(pattern)
