"""What the preflight says of secrets."""

from typing import Any

import pytest

from toolkit.core.checks import Status
from toolkit.core.deploying.facts import SecretUse, StoredSecret, Unknown
from toolkit.core.deploying.secret_checks import secret_checks

from .test_doctor import GOOD, changed, texts

KEY = "arn:aws:kms:eu-west-1:1:key/0a1b"
OTHER = "arn:aws:kms:eu-west-1:1:key/ffff"


def stored(**changes: Any) -> StoredSecret:
    return StoredSecret(**{"region": "eu-west-1", "present": True, **changes})


def examined(use: SecretUse | Unknown, **changes: Any) -> tuple[Status, str]:
    [tree] = secret_checks(changed(GOOD, secrets={"sales PASSWORD": use}, **changes))
    [child] = tree.children
    assert (tree.name, tree.status, child.name) == ("secrets", child.status, "sales PASSWORD")
    return tree.status, texts(tree)


@pytest.mark.parametrize(
    ("source", "changes", "allowed", "status", "words"),
    [
        ("ssm:/prod/token", {}, "", Status.OK, "is there"),
        ("secretsmanager:db:password", {"has_key": True}, "", Status.OK, "is there"),
        (
            "secretsmanager:prod/db:password",
            {"present": False},
            "",
            Status.FAIL,
            (
                "is not in eu-west-1, where the tasks look for it aws secretsmanager create-secret "
                "--name prod/db --region eu-west-1"
            ),
        ),
        (
            "ssm:prod/token",
            {"present": False},
            "",
            Status.FAIL,
            "aws ssm put-parameter --name /prod/token --region eu-west-1 --type SecureString",
        ),
        ("ssm:token", {"present": False}, "", Status.FAIL, "put-parameter --name token "),
        (
            "secretsmanager:db",
            {"deleted": True},
            "",
            Status.FAIL,
            "scheduled for deletion aws secretsmanager restore-secret --secret-id db",
        ),
        ("secretsmanager:db", {"current": False}, "", Status.FAIL, "no current version"),
        (
            "secretsmanager:db:password",
            {"has_key": False},
            "",
            Status.FAIL,
            "holds no JSON object with the key password",
        ),
        (
            "secretsmanager:db:password",
            {"has_key": Unknown("no GetSecretValue for you")},
            "",
            Status.WARN,
            "its JSON key is not known: no GetSecretValue for you",
        ),
        ("ssm:token", {"kms_key": KEY}, KEY, Status.OK, "is there"),
        ("ssm:token", {"kms_key": "0a1b"}, KEY, Status.OK, "is there"),
        ("ssm:token", {"kms_key": KEY}, "", Status.FAIL, "its execution role may not use"),
        ("ssm:token", {"kms_key": OTHER}, KEY, Status.FAIL, "its execution role may not use"),
        ("ssm:token", {"kms_key": "alias/mine"}, "", Status.FAIL, "may not use"),
        ("ssm:token", {"kms_key": "alias/mine"}, KEY, Status.WARN, "is not known"),
    ],
)
def test_each_way_to_have_no_secret_is_told(
    source: str, changes: dict[str, Any], allowed: str, status: Status, words: str
) -> None:
    found, text = examined(SecretUse(source, stored(**changes), allowed))
    assert found is status
    assert words in text


def test_what_nobody_may_look_at_is_not_well() -> None:
    status, text = examined(Unknown("no DescribeSecret for you"))
    assert status is Status.WARN
    assert "not known: no DescribeSecret for you" in text


def test_on_the_embedded_aws_the_command_leads_there() -> None:
    use = SecretUse("ssm:/token", stored(present=False))
    assert 'eval "$(toolkit local env)"; aws ssm put-parameter' in examined(use, local=True)[1]


def test_an_app_without_secrets_is_not_asked() -> None:
    assert list(secret_checks(GOOD)) == []
