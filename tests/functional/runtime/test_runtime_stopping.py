"""SIGTERM and the maximum runtime, in a real process: whatever the workload does, it is told."""

import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.functional.runtime.harness import RUN_ID, launch, run_here
from toolkit.runtime.contract import Outcome
from toolkit.runtime.stop import StopFlag, Watchdog

GRACE = 0.3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_workload_that_obeys_keeps_its_partial_work(
    number: signal.Signals, tmp_path: Path
) -> None:
    with launch("obeys", tmp_path) as running:
        running.wait_for("probe.waiting")
        running.send(number)
        ended = running.end()
    assert ended.exit_code == 143
    manifest = ended.manifest
    assert manifest.outcome is Outcome.INTERRUPTED
    assert [artifact.name for artifact in manifest.artifacts] == ["partial.csv"]
    assert manifest.metrics == {"seen": 7}
    assert manifest.log_lines == len(ended.lines)
    assert ended.events[-3:] == ["artifact.saved", "run.stopped", "run.finished"]


def test_the_maximum_runtime_ends_a_run(tmp_path: Path) -> None:
    ended = run_here("obeys", tmp_path, MAX_RUNTIME_SECONDS="1")
    assert ended.exit_code == 124
    assert ended.manifest.outcome is Outcome.TIMED_OUT
    assert [artifact.name for artifact in ended.manifest.artifacts] == ["partial.csv"]
    assert ended.line("run.started")["max_runtime_seconds"] == 1


def test_a_workload_that_finishes_in_its_grace_has_succeeded(tmp_path: Path) -> None:
    with launch("ends_anyway", tmp_path) as running:
        running.wait_for("probe.waiting")
        running.send()
        ended = running.end()
    assert ended.exit_code == 0
    assert ended.manifest.outcome is Outcome.SUCCEEDED


def test_the_first_request_to_stop_gives_the_outcome(tmp_path: Path) -> None:
    with launch("obeys", tmp_path, MAX_RUNTIME_SECONDS="1") as running:
        running.wait_for("artifact.saved")
        running.send()
        ended = running.end()
    assert ended.exit_code == 124
    assert ended.manifest.outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize("probe", ["sleeps_in_c", "hashes", "convolves", "backtracks"])
def test_a_workload_stuck_in_c_code_is_committed_and_ended(probe: str, tmp_path: Path) -> None:
    with launch(probe, tmp_path, grace=GRACE) as running:
        running.wait_for("probe.waiting")
        running.send()
        ended = running.end()
    assert ended.exit_code == 143
    manifest = ended.manifest
    assert manifest.outcome is Outcome.INTERRUPTED
    assert manifest.error is not None
    assert manifest.error["type"] == "Overdue"
    assert manifest.log_lines == len(ended.lines)
    saved = [artifact.name for artifact in manifest.artifacts]
    assert saved == (["partial.csv"] if probe in {"sleeps_in_c", "backtracks"} else [])


@pytest.mark.parametrize("probe", ["sleeps_in_c", "backtracks"])
def test_the_maximum_runtime_ends_even_a_stuck_run(probe: str, tmp_path: Path) -> None:
    # faulthandler ends the process after twice the grace: a busy machine commits within 5 s.
    with launch(probe, tmp_path, grace=5, MAX_RUNTIME_SECONDS="1") as running:
        ended = running.end()
    assert ended.exit_code == 124
    assert ended.manifest.outcome is Outcome.TIMED_OUT


def test_c_code_that_never_lets_go_is_ended_with_its_traceback(tmp_path: Path) -> None:
    # A busy machine takes seconds until the workload holds it.
    with launch("holds_the_interpreter", tmp_path, grace=GRACE, MAX_RUNTIME_SECONDS="5") as running:
        ended = running.end()
    # Nobody could write a manifest, so nothing pretends that the run ended well.
    assert ended.exit_code == 1
    assert ended.keys == {f"runs/probe/{RUN_ID}/claim.json"}
    assert "holds_the_interpreter" in running.stderr


def test_nothing_is_told_after_the_manifest_of_an_overdue_run(tmp_path: Path) -> None:
    with launch("talks_for_ever", tmp_path, grace=GRACE) as running:
        running.wait_for("probe.talked")
        running.send()
        ended = running.end()
    assert ended.exit_code == 143
    assert [line["seq"] for line in ended.lines] == list(range(1, len(ended.lines) + 1))
    assert ended.events[-2:] == ["run.stopped", "run.finished"]
    assert ended.manifest.log_lines == len(ended.lines)


@pytest.fixture
def slow_metadata() -> Iterator[tuple[str, threading.Event, threading.Event]]:
    """A metadata endpoint that answers when it is told to: (address, asked, answer)."""
    asked, answer = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            answer.wait(60)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"TaskARN": "arn:aws:ecs:eu-central-1:123456789012:task/app/1"}')

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked, answer
        answer.set()
        server.shutdown()


def test_a_sigterm_before_the_workload_starts_is_not_lost(
    tmp_path: Path, slow_metadata: tuple[str, threading.Event, threading.Event]
) -> None:
    address, asked, answer = slow_metadata
    with launch("two_artifacts", tmp_path, ECS_CONTAINER_METADATA_URI_V4=address) as running:
        assert asked.wait(60)
        running.send()
        answer.set()
        ended = running.end()
    assert ended.exit_code == 143
    assert ended.manifest.outcome is Outcome.INTERRUPTED
    assert ended.manifest.artifacts == ()
    assert "probe.began" not in ended.events


@pytest.mark.parametrize(
    ("afterwards", "left"), [(None, signal.SIG_DFL), (signal.SIG_IGN, signal.SIG_IGN)]
)
def test_a_signal_after_the_run_meets_the_handler_that_was_chosen(
    afterwards: signal.Handlers | None, left: signal.Handlers
) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        Watchdog(StopFlag(), grace=30, afterwards=afterwards).close()
        assert signal.getsignal(signal.SIGTERM) is left
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
