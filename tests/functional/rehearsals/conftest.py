"""One deployed project for all rehearsals of a test process."""

from collections.abc import Iterator

import pytest

from tests.functional.conftest import make_project, make_quick, start_at

from .stage import Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = make_project(tmp_path_factory.mktemp("rehearsals"))
    make_quick(made)
    start_at(made, "16:05")
    made.toolkit("deploy", "--local", "--yes", "--only", "weather", "--only", "stream")
    yield Stage(made)
    made.toolkit("local", "stop")
