"""A stream claims while it already reads; still nothing is saved before the run is its own."""

from pathlib import Path

import pytest

from tests.functional.runtime.harness import RUN_ID, run_here
from toolkit.runtime.contract import Claim

CLAIM = f"runs/probe/{RUN_ID}/claim.json"


def put_claim(root: Path, content: bytes) -> None:
    path = root / CLAIM
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def test_a_stream_that_owns_its_run_ends_as_a_batch_does(tmp_path: Path) -> None:
    ended = run_here("two_artifacts", tmp_path, kind="stream")
    assert ended.exit_code == 0
    assert CLAIM in ended.keys
    assert len(ended.manifest.artifacts) == 2


def test_the_duplicate_of_a_stream_is_stopped_and_saves_nothing(tmp_path: Path) -> None:
    put_claim(tmp_path, Claim(RUN_ID, "other", "2026-11-24T12:00:00.000Z").to_json())
    ended = run_here("streams_until_stopped", tmp_path, kind="stream")
    assert ended.exit_code == 0
    assert ended.events[-1] == "run.duplicate"
    assert ended.keys == {CLAIM}


def test_a_duplicate_that_never_looks_up_still_commits_nothing(tmp_path: Path) -> None:
    put_claim(tmp_path, Claim(RUN_ID, "other", "2026-11-24T12:00:00.000Z").to_json())
    ended = run_here("misses_its_gate", tmp_path, kind="stream")
    assert ended.exit_code == 0
    assert ended.keys == {CLAIM}


@pytest.mark.parametrize("kind", ["batch", "stream"])
def test_a_store_that_cannot_be_opened_fails_the_run(tmp_path: Path, kind: str) -> None:
    (tmp_path / "runs").write_text("a file where a directory should be")
    ended = run_here("streams_until_stopped", tmp_path, kind=kind)
    assert ended.exit_code == 1
    assert ended.events[-1] == "claim.failed"
