"""The verdict on what only some runs have: a stream's time, a deep look, an image's digest."""

from datetime import timedelta

import pytest
from attrs import evolve

from toolkit.core.checks import Status
from toolkit.core.proof.content import Content
from toolkit.core.proof.evidence import Evidence
from toolkit.core.proof.expectation import Expectation
from toolkit.core.proof.verdict import Ruling, Verdict, judge
from toolkit.runtime.contract import Outcome, format_time, parse_time
from toolkit.runtime.variable import Variable

from .test_verdict import (
    DEFINITION,
    GOOD,
    KEY,
    LATER,
    MANIFEST,
    STORED,
    TASK,
    WORKLOAD,
    detail,
)

STREAM = evolve(
    WORKLOAD,
    kind="stream",
    variables=(
        Variable("RUN_SECONDS", "int", "100", "how long"),
        Variable("CONNECT_BUDGET_SECONDS", "float", "0", "to connect"),
    ),
)


def streamed(seconds: float, **settings: float) -> Verdict:
    ended = parse_time(MANIFEST.started_at) + timedelta(seconds=seconds)
    given = {name.upper(): str(value) for name, value in settings.items()}
    manifest = evolve(
        MANIFEST,
        finished_at=format_time(ended),
        environment={**MANIFEST.environment, **given},
        settings={"run_seconds": 100, "connect_budget_seconds": 0.0, **settings},
        metrics={"trades": 2500, "gaps": 0, "missing_trades": 0},
    )
    stopped = ended + timedelta(seconds=1)
    times = {**TASK.times, "stoppedAt": format_time(stopped)}
    task = evolve(TASK, times=times, environment={**TASK.environment, **given})
    stored = evolve(STORED, modified_at=manifest.finished_at)
    evidence = evolve(GOOD, manifests=(manifest,), tasks=(task,), ledger=(stored,))
    return judge(of_stream(evidence), LATER)


def of_stream(evidence: Evidence) -> Evidence:
    expectation = Expectation.deployed(STREAM.row())
    definition = evolve(DEFINITION, catalog_digest=expectation.digest)
    return evolve(evidence, expectation=expectation, task_definition=definition)


@pytest.mark.parametrize("seconds", [99.5, 100, 159])
def test_a_stream_that_ran_for_its_time_passes(seconds: float) -> None:
    found = streamed(seconds)
    assert found.ruling is Ruling.PASS
    shown = detail(found, "stream")[1]
    assert "100 s" in shown
    assert (" of 100 s" in shown) is (seconds < 100)  # never more than the whole
    assert "2,500 trades, 0 gaps, 0 missing" in shown


@pytest.mark.parametrize(
    ("seconds", "name"), [(40, "stream-short"), (98, "stream-short"), (161, "stream-long")]
)
def test_a_stream_that_ran_too_short_or_too_long_fails(seconds: float, name: str) -> None:
    found = streamed(seconds)
    assert found.ruling is Ruling.FAIL
    assert found.diagnosis is not None
    assert found.diagnosis.name == name


def test_the_time_to_connect_is_part_of_the_grace() -> None:
    assert streamed(200, connect_budget_seconds=60.0).ruling is Ruling.PASS


def test_an_interrupted_stream_says_how_far_it_got() -> None:
    manifest = evolve(MANIFEST, outcome=Outcome.INTERRUPTED, settings={"run_seconds": 100})
    found = judge(of_stream(evolve(GOOD, manifests=(manifest,))), LATER)
    assert found.ruling is Ruling.FAIL
    assert "ran 40.0 s of 100 s" in detail(found, "stream")[1]


def deep(**changes: object) -> Verdict:
    content = Content(10, "ab", 3, ("x", "y"))
    contents = {KEY: evolve(content, **changes)}
    return judge(evolve(GOOD, contents=contents), LATER)


def test_what_was_downloaded_is_recomputed() -> None:
    found = deep()
    assert found.ruling is Ruling.PASS
    assert "3 rows x 2 columns" in detail(found, "content")[1]


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"sha256": "cd"}, "artifact-altered", "not the manifest's"),
        ({"rows": 2}, "artifact-unreadable", "2 rows, the manifest says 3"),
        ({"problem": "it has no header"}, "artifact-unreadable", "it has no header"),
    ],
)
def test_a_deep_look_finds_what_a_head_cannot(
    changes: dict[str, object], name: str, words: str
) -> None:
    found = deep(**changes)
    assert found.diagnosis is not None
    assert found.diagnosis.name == name
    assert words in detail(found, "content")[1]


def test_a_later_deployment_does_not_change_the_verdict_on_an_earlier_run() -> None:
    found = judge(evolve(GOOD, deployed_image="repo@sha256:77"), LATER)
    assert found.ruling is Ruling.PASS
    assert "as deployed" in detail(found, "image")[1]


def test_an_image_that_nobody_deployed_is_inconclusive() -> None:
    evidence = evolve(GOOD, task_definition=None, deployed_image="repo@sha256:77")
    assert detail(judge(evidence, LATER), "image")[0] is Status.UNKNOWN


@pytest.mark.parametrize("digest", ["sha256:00", "sha256:11"])
def test_the_digest_of_the_index_or_of_the_platform_is_the_same_image(digest: str) -> None:
    task = evolve(TASK, image_digest=digest)
    assert judge(evolve(GOOD, tasks=(task,)), LATER).ruling is Ruling.PASS


def test_an_image_that_nobody_can_name_is_unknown() -> None:
    task = evolve(TASK, image=None, image_digest=None)
    found = judge(evolve(GOOD, tasks=(task,)), LATER)
    assert detail(found, "image")[0] is Status.UNKNOWN
    assert found.ruling is Ruling.INCONCLUSIVE
