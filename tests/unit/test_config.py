"""`toolkit.toml`: what would be ignored, or refused by AWS, is refused before anything starts."""

import re
from typing import Any

import pytest

from tests.cloudformation import NAMES, TEMPLATES
from tests.cloudformation import load as template_of
from toolkit.core.deploying.config import parse
from toolkit.core.deploying.parameters import check, declared
from toolkit.core.errors import ConfigError
from toolkit.runtime.catalog import load

TEXTS = {name: (TEMPLATES / f"{name}.yaml").read_text("utf-8") for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_parameters_of_a_template_are_read_without_a_yaml_parser(name: str) -> None:
    assert declared(TEXTS[name]) == list(template_of(name)["Parameters"])


@pytest.mark.parametrize("template", ["", '{"Parameters": {"X": {"Type": "String"}}}'])
def test_a_template_in_another_style_is_left_to_cloudformation(template: str) -> None:
    check("default", "platform", {"NetworkMod": "x"}, template)


@pytest.mark.parametrize(
    ("noun", "name", "told"),
    [
        ("platform", "NetworkMod", "did you mean 'NetworkMode'"),
        ("platform", "AppName", "app decides it"),
        ("workload", "Cpuu", "did you mean 'Cpu'"),
        ("workload", "ImageUri", "image decides it"),
        ("schedule", "MaximumRetryAttempt", "did you mean 'MaximumRetryAttempts'"),
        ("schedule", "State", "the schedule's file decides it"),
        ("schedule", "ScheduleGroupName", "app decides it"),
    ],
)
def test_a_parameter_that_is_not_the_templates_or_the_toolkits_own_is_refused(
    noun: str, name: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check("prod", noun, {name: "x"}, TEXTS[noun])
    text = f"{caught.value.message}; {caught.value.hint}"
    assert f"toolkit.toml [prod.{noun}]" in text
    assert told in text


# Nobody gives log.yaml parameters: its stack keeps those of the workload that it was.
@pytest.mark.parametrize("noun", [name for name in NAMES if name != "log"])
def test_every_other_parameter_may_be_given(noun: str) -> None:
    refused = {name for name in declared(TEXTS[noun]) if "decides it" in refusal(noun, name)}
    others = set(declared(TEXTS[noun])) - refused
    assert len(others) > len(declared(TEXTS[noun])) / 2
    assert {refusal(noun, name) for name in others} == {""}


def refusal(noun: str, name: str) -> str:
    try:
        check("prod", noun, {name: "x"}, TEXTS[noun])
    except ConfigError as error:
        return error.message
    return ""


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"app": "demo", "default": {"app": "demo"}}, "move it below [default]"),
        ({"region": "eu-west-1", "default": {"app": "demo"}}, "region is above the first table"),
        ({"default": {"app": "demo", "account": 123456789012}}, 'account = "123456789012"'),
        ({"default": {"app": "demo", "account": "12345678901"}}, "12 digits"),
        ({"default": {"app": "demo-"}}, "not usable"),
        ({"default": {"app": "demo", "acount": "123456789012"}}, "did you mean 'account'"),
    ],
)
def test_what_nobody_would_read_or_aws_would_refuse_is_refused(
    document: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)) as caught:
        parse_whole(document)
    assert "toolkit.toml" in caught.value.message or "name" in caught.value.message


def parse_whole(document: dict[str, Any]) -> None:
    try:
        parse(document, "default", load())
    except ConfigError as error:
        raise ConfigError(f"{error.message}; {error.hint}") from error


def test_an_account_is_kept() -> None:
    document = {"default": {"app": "demo"}, "prod": {"account": "012345678901"}}
    assert parse(document, "prod", load()).account == "012345678901"
    assert parse(document, "default", load()).account is None
