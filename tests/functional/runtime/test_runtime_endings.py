"""How a run ends: what is written, in which order, and with which exit code."""

import hashlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.functional.runtime import probes
from tests.functional.runtime.harness import (
    NOON,
    ROOT,
    RUN_ID,
    SECRET,
    Ended,
    catalog,
    environment,
    run_here,
)
from toolkit.runtime.contract import Outcome
from toolkit.runtime.runtime import execute

PREFIX = f"runs/probe/{RUN_ID}/"


def assert_numbered(ended: Ended) -> None:
    assert [line["seq"] for line in ended.lines] == list(range(1, len(ended.lines) + 1))
    assert {line["run_id"] for line in ended.lines} == {RUN_ID}


def test_a_good_run_leaves_claim_artifacts_and_manifest(tmp_path: Path) -> None:
    ended = run_here("two_artifacts", tmp_path)
    assert ended.exit_code == 0
    assert ended.keys == {
        f"{PREFIX}claim.json",
        f"{PREFIX}table.csv",
        f"{PREFIX}big.bin",
        f"ledger/probe/{RUN_ID}.succeeded.json",
    }
    assert ended.manifest.outcome is Outcome.SUCCEEDED
    assert ended.manifest.error is None


def test_the_manifest_lists_every_artifact_with_its_real_digest(tmp_path: Path) -> None:
    ended = run_here("two_artifacts", tmp_path)
    listed = ended.manifest.artifacts
    assert {artifact.key for artifact in listed} == {
        key for key in ended.keys if key.startswith(PREFIX) and not key.endswith("claim.json")
    }
    for artifact in listed:
        content = (tmp_path / artifact.key).read_bytes()
        assert artifact.bytes == len(content)
        assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    assert [(a.name, a.rows, a.media_type) for a in listed] == [
        ("table.csv", 1, "text/csv"),
        ("big.bin", None, "application/octet-stream"),
    ]


def test_the_manifest_tells_what_was_run_and_where(tmp_path: Path) -> None:
    manifest = run_here("two_artifacts", tmp_path, COLOUR="red", RUN_TOKEN="0a1b2c").manifest
    assert manifest.run_id == f"{RUN_ID}-0a1b2c"
    assert (manifest.workload, manifest.schedule) == ("probe", "probe")
    assert manifest.scheduled_time == "2026-11-24T12:00:00.000Z"
    assert manifest.started_at == manifest.finished_at == "2026-11-24T12:00:00.250Z"
    assert (manifest.image, manifest.image_digest) == ("registry/app@sha256:0123", "sha256:0123")
    assert (manifest.execution_id, manifest.attempt) == ("execution-1", "1")
    assert manifest.settings == {"colour": "red", "size": 3, "api_key": "(redacted)"}
    assert manifest.environment["COLOUR"] == "red"
    assert manifest.metrics == {"skill": 0.5}
    assert [gate.passed for gate in manifest.gates] == [True]


@pytest.mark.parametrize("probe", ["two_artifacts", "raises", "misses_its_gate", "has_no_number"])
def test_log_lines_are_numbered_and_the_manifest_counts_them(probe: str, tmp_path: Path) -> None:
    ended = run_here(probe, tmp_path)
    assert_numbered(ended)
    assert ended.manifest.log_lines == len(ended.lines)
    assert ended.events[0] == "run.started"
    assert ended.events[-1] == "run.finished"
    assert {line["time"] for line in ended.lines} == {"2026-11-24T12:00:00.250Z"}


class WritesAreNoted:
    """A stdout that notes what the store held at each line."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: list[tuple[str, set[str]]] = []

    def write(self, text: str) -> int:
        here = Ended(0, (), self.root).keys
        self.seen.append((json.loads(text)["event"], here))
        return len(text)

    def flush(self) -> None:
        pass


def test_the_claim_is_written_first_and_the_manifest_last(tmp_path: Path) -> None:
    stdout: Any = WritesAreNoted(tmp_path)
    execute(environment(tmp_path), stdout, catalog=catalog("two_artifacts"), clock=lambda: NOON)
    seen = dict(stdout.seen)
    assert seen["run.started"] == {f"{PREFIX}claim.json"}
    assert not any(key.startswith("ledger") for key in seen["probe.ended"])
    assert seen["probe.ended"] > seen["run.started"]
    assert f"ledger/probe/{RUN_ID}.succeeded.json" in seen["run.finished"]


def test_an_exception_fails_the_run_and_is_told_twice(tmp_path: Path) -> None:
    ended = run_here("raises", tmp_path)
    assert ended.exit_code == 1
    manifest = ended.manifest
    assert manifest.outcome is Outcome.FAILED
    assert [artifact.name for artifact in manifest.artifacts] == ["table.csv"]
    told = ended.line("run.failed")
    assert manifest.error is not None
    for error in (manifest.error, told):
        assert error["type"] == "RuntimeError"
        assert "Traceback (most recent call last)" in error["traceback"]
        assert "probes.py" in error["traceback"]


@pytest.mark.parametrize("probe", ["raises", "two_artifacts"])
def test_a_secret_is_never_told(probe: str, tmp_path: Path) -> None:
    ended = run_here(probe, tmp_path)
    everything = [json.dumps(ended.lines)]
    everything += [(tmp_path / key).read_text("latin-1") for key in ended.keys]
    assert not any(SECRET in text for text in everything)
    assert ended.manifest.environment["API_KEY"] == "(redacted)"
    assert ended.line("run.started")["settings"]["api_key"] == "(redacted)"


def test_a_bad_secret_is_refused_without_telling_it(tmp_path: Path) -> None:
    ended = run_here("two_artifacts", tmp_path, API_KEY="hunter2")
    assert ended.exit_code == 64
    [problem] = ended.line("run.refused")["problems"]
    assert problem.startswith("API_KEY=(redacted) does not match")


@pytest.mark.parametrize(
    ("probe", "kind"),
    [
        ("calls_sys_exit", "SystemExit"),
        ("returns_nothing", "TypeError"),
        ("tells_a_thread", "TypeError"),
        ("does_not_exist", "AttributeError"),
    ],
)
def test_a_faulty_workload_is_a_failed_run(probe: str, kind: str, tmp_path: Path) -> None:
    ended = run_here(probe, tmp_path)
    assert ended.exit_code == 1
    assert ended.manifest.outcome is Outcome.FAILED
    assert ended.manifest.error is not None
    assert ended.manifest.error["type"] == kind


def test_a_missed_gate_fails_the_run_and_is_named(tmp_path: Path) -> None:
    ended = run_here("misses_its_gate", tmp_path)
    assert ended.exit_code == 1
    assert ended.manifest.outcome is Outcome.FAILED
    assert ended.manifest.error == {
        "type": "GateFailed",
        "message": "skill = 0.05, wanted >= 0.1",
    }
    assert [gate.passed for gate in ended.manifest.gates] == [False, True]


def test_what_is_no_number_is_null_and_passes_no_gate(tmp_path: Path) -> None:
    ended = run_here("has_no_number", tmp_path)
    assert ended.exit_code == 1
    assert ended.manifest.metrics == {"nan": None, "deep": {"inf": [None, 0.5]}, "count": 3}
    [gate] = ended.manifest.gates
    assert not gate.passed


def test_scratch_goes_away_with_the_run(tmp_path: Path) -> None:
    metrics = run_here("lists_scratch", tmp_path).manifest.metrics
    assert metrics["exists"] is True
    assert not Path(str(metrics["scratch"])).exists()


def test_all_problems_are_told_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    root = tmp_path / "store"
    stdout = io.StringIO()
    bad = environment(
        root,
        SCHEDULE="No Such Name",
        SCHEDULED_TIME="2026-11-24T12:00:00",
        COLOUR="green",
        SIZE="0",
        MAX_RUNTIME_SECONDS="soon",
        BUCKET="",
    )
    assert execute(bad, stdout, catalog=catalog("two_artifacts")) == 64
    [line] = [json.loads(text) for text in stdout.getvalue().splitlines()]
    assert (line["event"], line["exit_code"], line["run_id"]) == ("run.refused", 64, None)
    problems = "\n".join(line["problems"])
    assert len(line["problems"]) == 6
    for name in ("SCHEDULE=", "SCHEDULED_TIME", "COLOUR=", "SIZE=", "MAX_RUNTIME", "BUCKET is"):
        assert name in problems
    assert not root.exists()


def test_an_empty_environment_is_refused_with_every_missing_name(tmp_path: Path) -> None:
    stdout = io.StringIO()
    assert execute({}, stdout, catalog=catalog("two_artifacts")) == 64
    assert json.loads(stdout.getvalue())["problems"] == [
        "WORKLOAD is not set",
        "SCHEDULE is not set",
        "SCHEDULED_TIME is not set",
        "BUCKET is not set",
    ]


@pytest.mark.parametrize("token", ["abc", "../../x", "0A1B2C"])
def test_a_run_token_that_would_break_the_run_id_is_refused(token: str, tmp_path: Path) -> None:
    ended = run_here("two_artifacts", tmp_path, RUN_TOKEN=token)
    assert (ended.exit_code, ended.keys) == (64, set())


def test_the_image_entry_point_refuses_a_bad_environment(tmp_path: Path) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "toolkit.runtime"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "WORKLOAD": "wether"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert completed.returncode == 64
    assert completed.stderr == ""
    line = json.loads(completed.stdout)
    assert "no workload 'wether' in the catalog" in line["problems"][0]


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        ({"EMA_FAST_SECONDS": "90", "FEED": "recorded"}, 2),
        ({"BASE_URL": "ws://me:hunter2@h:notaport", "FEED": "synthetic"}, 1),
        ({"BASE_URL": "ws://h h", "FEED": "synthetic", "SILENCE_ERROR_SECONDS": "1"}, 2),
        ({"WORKLOAD": "ecommerce", "ORDERS": "200000", "DAYS": "3650"}, 1),
    ],
)
def test_contradictory_settings_end_with_64_and_nothing_written(
    settings: dict[str, str], problems: int, tmp_path: Path
) -> None:
    root = tmp_path / "store"
    environment_ = {**environment(root), "WORKLOAD": "stream", "PATH": os.environ["PATH"]}
    completed = subprocess.run(
        [sys.executable, "-m", "toolkit.runtime"],
        cwd=ROOT,
        env=environment_ | settings,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (completed.returncode, completed.stderr) == (64, "")
    line = json.loads(completed.stdout)
    assert (line["event"], len(line["problems"])) == ("run.refused", problems)
    assert "hunter2" not in completed.stdout
    assert not root.exists()


def test_the_signals_are_given_back_after_a_run(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    run_here("two_artifacts", tmp_path)
    after = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    assert before == after
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_run_without_writable_scratch_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "store"
    completed = subprocess.run(
        [sys.executable, "-m", "tests.functional.runtime.driver"],
        cwd=ROOT,
        env={**environment(root, PROBE="two_artifacts", GRACE="1"), "PATH": os.environ["PATH"]},
        # No file may grow beyond 0 bytes: as near to a read-only root as a process gets.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert completed.returncode == 64
    assert "No usable temporary directory" in json.loads(completed.stdout)["problems"][0]
    assert not root.exists()


@pytest.mark.parametrize("way", probes.ODD)
def test_however_oddly_a_workload_ends_its_run_is_committed_as_failed(
    way: str, tmp_path: Path
) -> None:
    probes.odd_way.append(way)
    ended = run_here("is_odd", tmp_path)
    assert ended.exit_code == 1
    assert ended.manifest.outcome is Outcome.FAILED
    assert ended.manifest.error is not None
    assert {key for key in ended.keys if "claim" not in key} == {
        f"ledger/probe/{RUN_ID}.failed.json"
    }
    assert ended.lines[-1]["event"] == "run.finished"
    assert len(ended.lines) == ended.manifest.log_lines
