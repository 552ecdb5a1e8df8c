"""What the stores say of secrets, by hand-written fakes of their clients."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functional.answers import NOW, aws, denied
from toolkit.adapters.aws.account import asked
from toolkit.adapters.aws.stored_secrets import stored_parameter, stored_secret
from toolkit.core.deploying.facts import Unknown


class Paginated:
    """A door to one client, whose paginator has these pages."""

    region = "eu-west-1"

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = pages

    def client(self, service: str) -> Any:
        return self

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        return iter(self._pages)


CURRENT = {"VersionIdsToStages": {"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT"]}}


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ('{"user": "x"}', True),
        ('{"User": "x"}', False),
        ("user", False),
        ('["user"]', False),
        ("", False),
        (None, False),
        ("[" * 100_000, False),
    ],
)
def test_a_secrets_json_is_asked_for_its_key(text: str | None, has: bool) -> None:
    answers = {"describe_secret": CURRENT, "get_secret_value": {"SecretString": text}}
    found = stored_secret(aws(secretsmanager=answers), "db", "user")
    assert found.has_key is has
    assert found.present
    assert found.current


def test_a_value_is_only_read_for_a_key() -> None:
    def read(**_: Any) -> Any:
        raise AssertionError

    answers = {"describe_secret": CURRENT, "get_secret_value": read}
    assert stored_secret(aws(secretsmanager=answers), "db", None).has_key is None
    answers["describe_secret"] = {**CURRENT, "DeletedDate": NOW}
    assert stored_secret(aws(secretsmanager=answers), "db", "user").deleted


def test_a_value_that_nobody_may_read_is_unknown() -> None:
    answers = {"describe_secret": CURRENT, "get_secret_value": denied("GetSecretValue")}
    found = stored_secret(aws(secretsmanager=answers), "db", "user")
    assert isinstance(found.has_key, Unknown)


def test_a_secret_that_is_missing_is_told_from_one_that_nobody_may_see() -> None:
    missing = ClientError(
        {"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "DescribeSecret"
    )
    assert not stored_secret(aws(secretsmanager={"describe_secret": missing}), "db", None).present
    hidden = aws(secretsmanager={"describe_secret": denied("DescribeSecret")})
    assert isinstance(asked(lambda: stored_secret(hidden, "db", None)), Unknown)


@pytest.mark.parametrize(
    ("key", "customers"),
    [
        (None, ""),
        ("alias/aws/secretsmanager", ""),
        ("arn:aws:kms:eu-west-1:1:alias/aws/secretsmanager", ""),
        ("alias/mine", "alias/mine"),
    ],
)
def test_aws_own_key_is_no_customers(key: str | None, customers: str) -> None:
    answers = {"describe_secret": {**CURRENT, "KmsKeyId": key}}
    assert stored_secret(aws(secretsmanager=answers), "db", None).kms_key == customers


def test_a_secret_without_a_value_has_no_current_version() -> None:
    for stages in ({}, {"VersionIdsToStages": {}}, {"VersionIdsToStages": {"v": ["AWSPENDING"]}}):
        answers = {"describe_secret": stages}
        assert not stored_secret(aws(secretsmanager=answers), "db", "user").current


def test_a_parameter_may_stand_on_a_later_page() -> None:
    row = {"Name": "/prod/token", "KeyId": "alias/aws/ssm"}
    door: Any = Paginated({"Parameters": [], "NextToken": "n"}, {"Parameters": [row]})
    found = stored_parameter(door, "prod/token")
    assert found.present
    assert found.kms_key == ""
    assert not stored_parameter(door, "token").present
