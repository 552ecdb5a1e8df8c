"""Who owns a run: one task does, however often the firing is delivered."""

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.functional.runtime.harness import RUN_ID, Ended, launch, run_here
from toolkit.runtime.contract import Claim
from toolkit.runtime.task import MetadataError, task_arn

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/app/0123456789abcdef"
CLAIM = f"runs/probe/{RUN_ID}/claim.json"


@pytest.fixture
def answers() -> dict[str, tuple[int, bytes]]:
    """What the metadata endpoint answers for a path; a test may change it."""
    return {"/v4/id/task": (200, json.dumps({"TaskARN": ARN, "Family": "app"}).encode())}


@pytest.fixture
def metadata(answers: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    """The address that ECS would put into ECS_CONTAINER_METADATA_URI_V4."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, b""))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v4/id"
        server.shutdown()


def put_claim(root: Path, content: bytes) -> None:
    path = root / CLAIM
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def claim_of(arn: str) -> bytes:
    return Claim(RUN_ID, arn, "2026-11-24T12:00:00.000Z", "execution-0", "1").to_json()


def run_as_task(root: Path, metadata: str) -> Ended:
    return run_here("two_artifacts", root, ECS_CONTAINER_METADATA_URI_V4=metadata)


def test_the_claim_names_the_task_and_the_firing(tmp_path: Path, metadata: str) -> None:
    ended = run_as_task(tmp_path, metadata)
    claim = Claim.from_json((tmp_path / CLAIM).read_bytes())
    assert claim == Claim(RUN_ID, ARN, "2026-11-24T12:00:00.250Z", "execution-1", "1")
    assert ended.manifest.task_arn == ARN
    assert ended.line("run.started")["task_arn"] == ARN


def test_a_duplicate_delivery_touches_nothing(tmp_path: Path, metadata: str) -> None:
    other = f"{ARN}-other"
    put_claim(tmp_path, claim_of(other))
    before = (tmp_path / CLAIM).read_bytes()
    ended = run_as_task(tmp_path, metadata)
    assert ended.exit_code == 0
    assert ended.events == ["run.duplicate"]
    assert ended.line("run.duplicate")["owner"] == other
    assert ended.keys == {CLAIM}
    assert (tmp_path / CLAIM).read_bytes() == before


def test_our_own_claim_whose_answer_was_lost_is_no_duplicate(tmp_path: Path, metadata: str) -> None:
    put_claim(tmp_path, claim_of(ARN))
    ended = run_as_task(tmp_path, metadata)
    assert ended.exit_code == 0
    assert "run.finished" in ended.events
    assert len(ended.manifest.artifacts) == 2


def test_a_run_that_was_committed_before_is_not_run_again(tmp_path: Path) -> None:
    first = run_here("misses_its_gate", tmp_path, RUN_TOKEN="0a1b2c")
    with launch("two_artifacts", tmp_path, RUN_TOKEN="0a1b2c") as running:
        second = running.end()
    assert second.exit_code == 0
    assert second.events == ["run.duplicate"]
    assert second.manifest == first.manifest


def test_outside_ecs_the_process_names_itself(tmp_path: Path) -> None:
    arn = run_here("two_artifacts", tmp_path).manifest.task_arn
    assert arn.startswith("local:")
    assert f":{os.getpid()}:" in arn


def test_outside_ecs_two_containers_of_one_name_and_pid_are_two_tasks() -> None:
    assert task_arn({}) != task_arn({})


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe"])
def test_a_claim_that_cannot_be_read_is_never_overruled(content: bytes, tmp_path: Path) -> None:
    put_claim(tmp_path, content)
    ended = run_here("two_artifacts", tmp_path)
    assert ended.exit_code == 1
    assert ended.events == ["claim.failed"]
    assert ended.keys == {CLAIM}


def test_a_store_that_cannot_be_written_fails_the_claim(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a directory should be")
    ended = run_here("two_artifacts", tmp_path)
    assert ended.exit_code == 1
    assert ended.events == ["claim.failed"]


def test_a_manifest_that_cannot_be_written_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file where a directory should be")
    ended = run_here("two_artifacts", tmp_path)
    assert ended.exit_code == 1
    assert ended.events[-1] == "manifest.failed"
    assert "run.finished" not in ended.events


@pytest.mark.parametrize(
    "answer",
    [(500, b""), (404, b""), (200, b"not json"), (200, b"{}"), (200, b"[]")],
)
def test_without_an_answer_of_the_metadata_endpoint_nothing_is_written(
    answer: tuple[int, bytes],
    answers: dict[str, tuple[int, bytes]],
    metadata: str,
    tmp_path: Path,
) -> None:
    answers["/v4/id/task"] = answer
    ended = run_as_task(tmp_path, metadata)
    assert ended.exit_code == 69
    assert ended.keys == set()
    assert "/v4/id/task" in ended.line("metadata.failed")["error"]


def test_a_metadata_endpoint_that_nobody_serves_is_told_as_such(tmp_path: Path) -> None:
    ended = run_as_task(tmp_path, "http://127.0.0.1:9/v4/id")  # the discard port: nobody listens
    assert (ended.exit_code, ended.keys, ended.events) == (69, set(), ["metadata.failed"])


def test_a_metadata_endpoint_that_fails_for_a_while_costs_no_run(
    answers: dict[str, tuple[int, bytes]], metadata: str
) -> None:
    good, waited = answers["/v4/id/task"], []
    answers["/v4/id/task"] = (500, b"")

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            answers["/v4/id/task"] = good

    environment = {"ECS_CONTAINER_METADATA_URI_V4": metadata}
    assert task_arn(environment, clock=lambda: 0.0, wait=wait) == ARN
    assert waited == [0.2, 0.4, 0.8]


def test_a_run_that_was_asked_to_stop_asks_the_metadata_endpoint_no_more(
    answers: dict[str, tuple[int, bytes]], metadata: str
) -> None:
    answers["/v4/id/task"] = (500, b"")
    waited = []

    def stopped(seconds: float) -> bool:
        waited.append(seconds)
        return True

    with pytest.raises(MetadataError, match="500"):
        task_arn({"ECS_CONTAINER_METADATA_URI_V4": metadata}, wait=stopped)
    assert len(waited) == 1
