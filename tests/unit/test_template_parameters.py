"""A parameter that a template does not have is refused before CloudFormation sees it."""

from pathlib import Path

import pytest

from tests import cloudformation
from toolkit.core.deploying.config import Config, parse
from toolkit.core.deploying.plans import PLATFORM, SCHEDULE, WORKLOAD, Spec, platform_spec
from toolkit.core.deploying.release import Release
from toolkit.core.errors import ConfigError
from toolkit.runtime.catalog import load

TEMPLATES = {
    noun: (Path(__file__).parents[2] / "templates" / f"{noun}.yaml").read_text("utf-8")
    for noun in (PLATFORM, WORKLOAD, SCHEDULE)
}


def config(**platform: str) -> Config:
    return parse({"default": {"app": "nightly", "platform": platform}}, "default", load())


def test_the_nearest_parameter_is_named() -> None:
    with pytest.raises(ConfigError, match="no parameter 'NetworkMod'") as raised:
        platform_spec(config(NetworkMod="public")).plan(TEMPLATES[PLATFORM], {})
    assert "did you mean 'NetworkMode'?" in (raised.value.hint or "")
    assert "[ENVIRONMENT.platform]" in (raised.value.hint or "")


def test_a_name_like_no_other_gets_no_guess() -> None:
    with pytest.raises(ConfigError) as raised:
        platform_spec(config(Zzz="1")).plan(TEMPLATES[PLATFORM], {})
    assert "did you mean" not in (raised.value.hint or "")


def test_a_release_is_refused_as_a_deployment_is() -> None:
    spec = platform_spec(config(NetworkMod="public"))
    with pytest.raises(ConfigError, match="no parameter 'NetworkMod'"):
        Release("nightly", "image", (spec,), TEMPLATES).files()


@pytest.mark.parametrize("noun", TEMPLATES)
def test_every_parameter_of_a_template_is_taken(noun: str) -> None:
    names = list(cloudformation.load(noun)["Parameters"])
    assert "AppName" in names
    Spec("nightly", "stack", noun, dict.fromkeys(names, "x")).check(TEMPLATES[noun])


def test_a_template_that_is_not_written_in_blocks_is_left_to_cloudformation() -> None:
    Spec("nightly", "stack", PLATFORM, {"X": "1"}).check('{"Parameters": {"Y": {}}}')
