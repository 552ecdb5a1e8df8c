"""Tokens of pages that nobody gave out are found, for every operation that has pages."""

import pytest

from toolkit.local.ministack.upstream import page_tokens
from toolkit.local.ministack.upstream.page_tokens import PageTokens

LISTS = [
    ("ecs", "ListTasks", "nextToken", b'{"taskArns": ["a"], "nextToken": "100"}'),
    ("logs", "GetLogEvents", "nextToken", b'{"events": [], "nextForwardToken": "100"}'),
    ("logs", "GetLogEvents", "nextToken", b'{"events": [], "nextBackwardToken":"100"}'),
    ("kms", "ListKeys", "Marker", b'{"Keys": [], "NextMarker": "100"}'),
    ("sns", "ListTopics", "NextToken", b"<R><NextToken>100</NextToken></R>"),
    (
        "s3",
        "ListObjectsV2",
        "continuation-token",
        b"<R><NextContinuationToken>100</NextContinuationToken></R>",
    ),
]


@pytest.mark.parametrize(("service", "operation", "name", "answer"), LISTS)
def test_a_token_is_taken_once_it_was_given_out(
    service: str, operation: str, name: str, answer: bytes
) -> None:
    tokens, request = PageTokens(), {name: "100"}
    assert tokens.unknown(service, operation, request) == "100"
    tokens.note(service, operation, answer)
    assert tokens.unknown(service, operation, request) is None
    assert tokens.unknown(service, operation, {name: "101"}) == "101"


@pytest.mark.parametrize("request_", [{}, {"nextToken": None}, {"nextToken": ""}])
def test_a_first_page_needs_no_token(request_: dict[str, str]) -> None:
    assert PageTokens().unknown("ecs", "ListTasks", request_) is None


def test_a_token_belongs_to_its_operation() -> None:
    tokens = PageTokens()
    tokens.note("ecs", "ListTasks", b'{"nextToken": "100"}')
    assert tokens.unknown("ecs", "ListClusters", {"nextToken": "100"}) == "100"


def test_a_message_of_a_log_gives_out_no_token() -> None:
    tokens = PageTokens()
    tokens.note("logs", "FilterLogEvents", rb'{"events": [{"message": "\"nextToken\": \"9\""}]}')
    assert tokens.unknown("logs", "FilterLogEvents", {"nextToken": "9"}) == "9"


def test_only_the_tokens_given_out_last_are_remembered() -> None:
    tokens = PageTokens(remembered=2)
    for number in range(3):
        tokens.note("ecs", "ListTasks", b'{"nextToken": "%d"}' % number)
    known = [tokens.unknown("ecs", "ListTasks", {"nextToken": str(n)}) is None for n in range(3)]
    assert known == [False, True, True]


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ecs", "ListTasks", "InvalidParameterException"),
        ("kms", "ListKeys", "InvalidMarkerException"),
        ("secretsmanager", "ListSecrets", "InvalidNextTokenException"),
        ("cloudwatch", "DescribeAlarms", "InvalidNextToken"),
        ("iam", "ListRoles", ""),
    ],
)
def test_the_error_is_the_one_that_the_model_names(service: str, operation: str, code: str) -> None:
    assert page_tokens.code(service, operation) == code


def test_markers_of_objects_are_keys_and_no_tokens() -> None:
    assert page_tokens.asking("s3", "ListObjectsV2") == ["continuation-token"]
    assert page_tokens.asking("s3", "PutObject") == []
