"""One embedded AWS per test process, with the shipped templates deployed on it unchanged."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit.adapters.embedded import engine
from toolkit.adapters.embedded.engine import EngineClient

from .account import Account, embedded, real
from .rehearsal import APP, PROGRAM, Platform, Rehearsal, make_project, push_program
from .taken_names import delete_all

# A real account's app, for what is asked of the embedded AWS and of AWS alike.
REAL_APP = os.environ.get("TOOLKIT_CONFORMANCE_APP")
REAL = [pytest.param(REAL_APP, marks=pytest.mark.aws)] if REAL_APP else []


@pytest.fixture(autouse=True)
def _known_to_differ(request: pytest.FixtureRequest) -> None:
    """A conformance test of a known difference fails on the embedded AWS, or it is none."""
    mark = request.node.get_closest_marker("differs")
    if mark is not None and "embedded" in request.node.name:
        request.node.add_marker(pytest.mark.xfail(reason=mark.args[0], strict=True))


@pytest.fixture(scope="session")
def project_factory(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Path]:
    return lambda name: make_project(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def rehearsal(project_factory: Callable[[str], Path]) -> Iterator[Rehearsal]:
    root = project_factory("rehearsal")
    info = engine.ensure_running(root, print)
    try:
        yield Rehearsal(info, root)
    finally:
        EngineClient(info).stop(root)


@pytest.fixture
def own(project_factory: Callable[[str], Path]) -> Iterator[Rehearsal]:
    """An engine for one test alone."""
    root = project_factory("own")
    yield Rehearsal(engine.ensure_running(root, print), root)
    info = engine.running(root)
    if info is not None:
        EngineClient(info).stop(root)


@pytest.fixture(scope="session")
def platform(rehearsal: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    outputs = rehearsal.deploy("app-platform", "platform.yaml", AppName=APP)
    image = push_program(
        rehearsal, tmp_path_factory.mktemp("image"), outputs["RepositoryUri"], PROGRAM
    )
    workload = rehearsal.deploy(
        "app-workload-demo",
        "workload.yaml",
        AppName=APP,
        WorkloadName="demo",
        ImageUri=image,
        Cpu=256,
        Memory=512,
        MaxRuntimeSeconds=60,
        CatalogDigest="0" * 64,
        BucketName=outputs["BucketName"],
        ExecutionRoleArn=outputs["ExecutionRoleArn"],
    )
    return Platform(rehearsal, outputs, workload, image)


@pytest.fixture(scope="module", params=[None, *REAL], ids=lambda app: app or "embedded")
def account(request: pytest.FixtureRequest) -> Account:
    if request.param:
        return real(request.param)
    return embedded(request.getfixturevalue("platform"))


@pytest.fixture
def clean(account: Account) -> Iterator[None]:
    """Nothing goes by the name of `taken_names`, before and after."""
    delete_all(account)
    yield
    delete_all(account)
