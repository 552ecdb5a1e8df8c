"""One bad object spoils the verdict on its own run, and no other: no traceback, no exit code 3."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.unit import kept_runs
from toolkit.core.proof import kept

ROOT = Path(__file__).parents[2]
GOOD, BAD = kept_runs.new_run(6), kept_runs.new_run(7)
Files = dict[str, bytes]
Spoil = Callable[[Files], Files]


def in_document(name: str, change: Callable[[Any], None]) -> Spoil:
    def spoil(files: Files) -> Files:
        document = json.loads(files[name])
        change(document)
        return {**files, name: json.dumps(document).encode()}

    return spoil


def setting(name: str, key: str, value: object) -> Spoil:
    return in_document(name, lambda document: document.update({key: value}))


def log_line(message: str) -> Spoil:
    def spoil(files: Files) -> Files:
        rows = kept_runs.log_lines(files)
        return kept_runs.with_log(files, [*rows, [rows[-1][0], message]])

    return spoil


def raw(name: str, content: bytes) -> Spoil:
    return lambda files: {**files, name: content}


def first_artifact(key: str, value: object) -> Spoil:
    return in_document("manifest.json", lambda m: m["artifacts"][0].update({key: value}))


STEERING = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e"
WAYS: dict[str, Spoil] = {
    "brackets in the log": log_line('{"a":' + "[" * 100_000),
    "a long cell in the log": log_line("x" * 200_000),
    "steering in the log": log_line(json.dumps({"seq": 99, "event": STEERING})),
    "problems as numbers": setting("evidence.json", "problems", [1]),
    "problems with steering": setting("evidence.json", "problems", [STEERING]),
    "no count of lines": setting("manifest.json", "log_lines", None),
    "a negative count of lines": setting("manifest.json", "log_lines", -1),
    "bytes as text": first_artifact("bytes", "1"),
    "an empty key": first_artifact("key", ""),
    "a key of another run": first_artifact("key", "runs/x/x-20261124T060000Z/a.csv"),
    "a name that is a path": first_artifact("name", "../../x"),
    "an absolute name": first_artifact("name", "/tmp/x"),
    "no settings": setting("manifest.json", "settings", None),
    "a surrogate": raw("manifest.json", b'{"error": {"message": "\\ud800"}}'),
    "steering in the error": setting("manifest.json", "error", {"message": STEERING}),
    "deep JSON": raw("manifest.json", b"[" * 100_000),
    "a deep claim": raw("claim.json", b'{"a":' * 100_000),
    "no JSON": raw("evidence.json", b"\xff\xfe"),
    "a list": raw("lifecycle.json", b"{}"),
    "a later format": setting("manifest.json", "format", "manifest/9"),
    "no time": setting("manifest.json", "finished_at", "yesterday"),
    "a run id that is none": setting("evidence.json", "run_id", "x"),
    "a year that is none": setting("evidence.json", "gathered_at", "99999-01-01T00:00:00Z"),
}


def resealed(files: Files) -> Files:
    evidence = files["evidence.json"]
    try:
        document = json.loads(evidence)
        document["ledger"][0]["sha256"] = hashlib.sha256(files["manifest.json"]).hexdigest()
        evidence = json.dumps(document).encode()
    except ValueError:
        pass
    return {**files, "evidence.json": evidence}


def write(folder: Path, files: Files) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / kept.SUMS).write_text(kept.sums(files))
    return folder


def toolkit(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "toolkit", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_samples_are_good() -> None:
    assert kept_runs.evidence_of(GOOD).problems == kept_runs.evidence_of(BAD).problems == ()


def test_bad_objects_spoil_their_own_runs_alone(tmp_path: Path) -> None:
    """All at once, in one command: a good folder stands between any two bad ones."""
    folders = [write(tmp_path / "good", GOOD)]
    for number, spoil in enumerate(WAYS.values()):
        folders.append(write(tmp_path / f"bad-{number}", resealed(spoil(dict(BAD)))))
    folders.append(write(tmp_path / "good-2", GOOD))
    words = [word for folder in folders for word in ("--evidence", str(folder))]
    done = toolkit("validate", *words, "--json")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    rulings = [row["ruling"] for row in json.loads(done.stdout)]
    assert (rulings[0], rulings[-1]) == ("PASS", "PASS")
    passed = [way for way, ruling in zip(WAYS, rulings[1:-1], strict=True) if ruling == "PASS"]
    # Lines of a library, whatever they hold.
    assert passed == ["brackets in the log", "a long cell in the log"]
    shown = toolkit("validate", *words)
    assert shown.returncode == 1
    text = shown.stdout + shown.stderr
    assert not [c for c in text if not c.isprintable() and c not in "\n\t"]


def test_what_a_sentence_holds_does_not_steer_the_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", "diagnose", "-"],
        cwd=ROOT,
        input=f"CannotPullContainerError: {STEERING}",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not [c for c in done.stdout + done.stderr if not c.isprintable() and c not in "\n\t"]


def test_a_csv_of_one_long_line_is_refused_in_words() -> None:
    from toolkit.core.proof.content import examine

    assert "columns" in examine(io.BytesIO(b"," * 3_000_000), "text/csv").problem
    assert "too long" in examine(io.BytesIO(b"," * 20_000_000), "text/csv").problem
    cell = io.StringIO()
    csv.writer(cell).writerows([["a"], ["x" * 200_000]])
    assert examine(io.BytesIO(cell.getvalue().encode()), "text/csv").rows == 1
