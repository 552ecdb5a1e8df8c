"""A program as a workload: what it gets, and what becomes of what it writes, leaves and returns."""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve

from tests.functional.runtime.harness import (
    NOON,
    RUN_ID,
    Ended,
    command_catalog,
    environment,
    launch,
    run_command,
)
from toolkit.runtime.catalog import Catalog, ExpectedArtifact
from toolkit.runtime.contract import Outcome
from toolkit.runtime.runtime import execute

SECRET = "correct-horse-battery"


def shell(
    script: str, root: Path, artifacts: Sequence[ExpectedArtifact] = (), **more: str
) -> Ended:
    return run_command(["sh", "-c", script], root, artifacts, **more)


def written(ended: Ended, stream: str = "stdout") -> str:
    """What the program wrote to one stream, put together again."""
    lines = [
        row for row in ended.lines if row["event"] == "program.wrote" and row["stream"] == stream
    ]
    return "".join(row["line"] + ("" if row.get("continued") else "\n") for row in lines)


def test_a_shell_script_gets_its_settings_and_leaves_artifacts(tmp_path: Path) -> None:
    script = """
        echo "$RUN_ID $SCHEDULED_TIME $COLOUR $SIZE $1"
        echo careful >&2
        mkdir "$ARTIFACTS/plots"
        printf 'a,b\\n1,"x\\ny"\\n2,z\\n' > "$ARTIFACTS/table.csv"
        printf x > "$ARTIFACTS/plots/a.png"
        printf x > "$ARTIFACTS/declared.bin"
        echo '{"skill": 0.5}' > "$ARTIFACTS/metrics.json"
        echo '[{"name": "skill", "value": 0.5, "op": ">=", "limit": 0.1}]' > "$ARTIFACTS/gates.json"
    """
    command = ["sh", "-c", script, "sh", "--day={scheduled_date}:{size}:{{x}}"]
    declared = ExpectedArtifact("declared.bin", "application/x-own")
    ended = run_command(command, tmp_path, [declared], COLOUR="red")
    assert ended.exit_code == 0
    assert written(ended) == f"{RUN_ID} 2026-11-24T12:00:00Z red 3 --day=2026-11-24:3:{{x}}\n"
    assert written(ended, "stderr") == "careful\n"
    manifest = ended.manifest
    assert manifest.metrics == {"skill": 0.5}
    assert [gate.name for gate in manifest.gates] == ["skill"]
    assert manifest.log_lines == len(ended.lines)
    kept = {row.name: (row.media_type, row.rows) for row in manifest.artifacts}
    assert kept == {
        "declared.bin": ("application/x-own", None),
        "gates.json": ("application/json", None),
        "metrics.json": ("application/json", None),
        "plots/a.png": ("image/png", None),
        "table.csv": ("text/csv", 2),
    }
    content = (tmp_path / "runs/probe" / RUN_ID / "table.csv").read_bytes()
    [table] = [row for row in manifest.artifacts if row.name == "table.csv"]
    assert hashlib.sha256(content).hexdigest() == table.sha256


SHORT = {
    "missing": (ExpectedArtifact("b.csv", "text/csv"), "the run did not make it"),
    "small": (ExpectedArtifact("a.csv", "text/csv", min_bytes=99), "4 bytes, expected 99"),
    "of few rows": (ExpectedArtifact("a.csv", "text/csv", min_rows=2), "1 rows, expected 2"),
}


@pytest.mark.parametrize("case", list(SHORT))
def test_a_run_without_what_the_catalog_asks_for_fails(tmp_path: Path, case: str) -> None:
    """So that its exit code rings; before, only a verdict showed it."""
    wanted, why = SHORT[case]
    ended = shell("echo n > $ARTIFACTS/a.csv; echo 1 >> $ARTIFACTS/a.csv", tmp_path, [wanted])
    assert ended.exit_code == 1
    assert ended.manifest.outcome == "failed"
    assert f"{wanted.name}: " in ended.line("run.failed")["message"]
    assert why in ended.line("run.failed")["message"]
    assert [row.name for row in ended.manifest.artifacts] == ["a.csv"]


def test_a_run_without_a_gate_that_the_catalog_asks_for_fails(tmp_path: Path) -> None:
    asks = evolve(command_catalog(["true"]).workload("probe"), gates=("skill-*",))
    variables, stdout = environment(tmp_path, PATH=os.environ["PATH"]), io.StringIO()
    code = execute(variables, stdout, catalog=Catalog({"probe": asks}), clock=lambda: NOON)
    assert code == 1
    assert "gate skill-*: the run has no such gate" in stdout.getvalue()


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler on this machine")
def test_a_compiled_program_runs_and_its_crash_has_words(tmp_path: Path) -> None:
    source = tmp_path / "work.c"
    source.write_text(
        "#include <stdio.h>\n#include <stdlib.h>\n"
        'int main(int n, char **a) { printf("%s", getenv("SIZE")); fflush(stdout);'
        " if (n > 1) abort(); return 0; }"
    )
    program = str(tmp_path / "work")
    subprocess.run(["cc", "-o", program, str(source)], check=True)
    good = run_command([program], tmp_path / "good")
    assert (good.exit_code, written(good)) == (0, "3\n")
    bad = run_command([program, "now"], tmp_path / "bad")
    assert bad.exit_code == 1
    assert bad.line("run.failed")["message"] == f"{program} was ended by SIGABRT"
    assert written(bad) == "3\n"


def test_a_python_script_that_knows_nothing_of_this_runs(tmp_path: Path) -> None:
    script = tmp_path / "report.py"
    script.write_text("import csv, sys\ncsv.writer(sys.stdout).writerow(['day', sys.argv[1]])\n")
    ended = run_command([sys.executable, str(script), "{scheduled_date}"], tmp_path / "store")
    assert (ended.exit_code, written(ended)) == (0, "day,2026-11-24\r\n")


def test_a_python_script_finds_the_modules_beside_it(tmp_path: Path) -> None:
    """As everywhere, though the image keeps the runtime's own import path to itself."""
    (tmp_path / "beside.py").write_text("ANSWER = 42\n")
    (tmp_path / "report.py").write_text("import beside\nprint(beside.ANSWER)\n")
    command = [sys.executable, str(tmp_path / "report.py")]
    ended = run_command(command, tmp_path / "store", PYTHONSAFEPATH="1")
    assert (ended.exit_code, written(ended)) == (0, "42\n")


ENDINGS: list[tuple[Sequence[str], str, str]] = [
    (["sh", "-c", "exit 3"], "exit code 3", ""),
    (["sh", "-c", "kill -SEGV $$"], "SIGSEGV", ""),
    (["sh", "-c", "kill -KILL $$"], "SIGKILL", "raise memory"),
    (["sh", "-c", "sh -c 'kill -KILL $$'; exit $?"], "SIGKILL", "raise memory"),
    (["sh", "-c", "no-such-command"], "did not find a command", "image must hold it"),
    (["sh", "-c", "/etc/passwd"], "cannot execute", "chmod +x"),
    (["no-such-program"], "No such file", "the image holds no such program"),
    (["/etc/passwd"], "Permission denied", "chmod +x"),
    ([sys.executable, "-c", "import cv2_x"], "add it: toolkit image lock --add cv2-x", ""),
    ([sys.executable, "-m", "not_there"], "add it: toolkit image lock --add not-there", ""),
]


@pytest.mark.parametrize(("command", "words", "hint"), ENDINGS, ids=lambda value: str(value)[:30])
def test_a_bad_ending_has_words_and_its_own_hint(
    command: Sequence[str], words: str, hint: str, tmp_path: Path
) -> None:
    ended = run_command(command, tmp_path)
    assert ended.exit_code == 1
    assert ended.manifest.outcome is Outcome.FAILED
    failed = ended.line("run.failed")
    assert words in failed["message"]
    assert hint in failed.get("hint", "")
    assert bool(hint) == ("hint" in failed)


@pytest.mark.parametrize(
    ("content", "hint"),
    [("#!/no/such/shell\n", "first line"), ("\x7fELF no program of this machine", "CPU")],
)
def test_a_file_that_is_no_program_has_its_own_hint(
    content: str, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / "report"
    path.write_text(content)
    path.chmod(0o755)
    ended = run_command([str(path)], tmp_path / "store")
    assert hint in ended.line("run.failed")["hint"]


def test_what_a_failed_program_left_is_kept(tmp_path: Path) -> None:
    ended = shell('echo \'{"seen": 7}\' > "$ARTIFACTS/metrics.json"; exit 9', tmp_path)
    assert ended.exit_code == 1
    assert ended.manifest.metrics == {"seen": 7}
    assert [row.name for row in ended.manifest.artifacts] == ["metrics.json"]


def test_a_gate_that_fails_fails_the_run(tmp_path: Path) -> None:
    gate = '[{"name": "rows", "value": 1, "op": ">=", "limit": 5}]'
    ended = shell(f"echo '{gate}' > \"$ARTIFACTS/gates.json\"", tmp_path)
    assert ended.exit_code == 1
    assert ended.line("run.failed")["message"] == "rows = 1, wanted >= 5"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("printf x > '.hidden'", "'.hidden' is not a name for an artifact"),
        ("printf x > 'a b'", "'a b' is not a name for an artifact"),
        ("printf x > claim.json", "'claim.json' is not a name for an artifact"),
        ("ln -s /etc/passwd users.txt", "users.txt is a link to a file outside"),
        ("ln -s /etc settings", "settings is a link to a file outside"),
        ("ln -s ../../../../../../../../etc/passwd up", "up is a link to a file outside"),
        ("ln -s nowhere gone", "gone is not a regular file"),
        ("mkfifo pipe", "pipe is not a regular file"),
        ("echo '{' > gates.json", "gates.json is not JSON"),
        ("echo '{}' > gates.json", "gates.json is not a list"),
        ('echo \'[{"name": "x"}]\' > gates.json', "gates.json: this is not a gate"),
        ("echo '[]' > metrics.json", "metrics.json is not a JSON object"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named_and_the_others_are_saved(
    script: str, words: str, tmp_path: Path
) -> None:
    ended = shell(f'cd "$ARTIFACTS"; printf x > zz.txt; {script}', tmp_path)
    assert ended.exit_code == 1
    assert words in ended.line("run.failed")["message"]
    assert "zz.txt" in [row.name for row in ended.manifest.artifacts]
    assert not any("etc/passwd" in key or "users" in key for key in ended.keys)


def test_a_link_to_a_file_inside_is_saved(tmp_path: Path) -> None:
    ended = shell('cd "$ARTIFACTS"; printf x > a.txt; ln -s a.txt latest.txt', tmp_path)
    assert ended.exit_code == 0
    assert [row.name for row in ended.manifest.artifacts] == ["a.txt", "latest.txt"]


def test_output_of_every_kind_arrives_whole(tmp_path: Path) -> None:
    content = b"plain\n" + b"x" * 100_000 + b"\n\n\xff\xfe\x00\x1b[31m\n" + "€".encode() * 9000
    source = tmp_path / "content"
    source.write_bytes(content)
    ended = run_command(["cat", str(source)], tmp_path / "store")
    assert written(ended) == content.decode("utf-8", "backslashreplace") + "\n"
    assert max(len(json.dumps(line)) for line in ended.lines) < 16_000


FLOOD = """
import sys
block = b"".join(b"%063d\\n" % n for n in range(1024))
for _ in range(256): sys.stdout.buffer.write(block)
"""


def test_much_output_in_little_memory_loses_nothing(tmp_path: Path) -> None:
    """The program writes as fast as it is read; the run holds none of its 16 MiB."""
    sent, seen = hashlib.sha256(), hashlib.sha256()
    for _ in range(256):
        sent.update(b"".join(b"%063d\n" % n for n in range(1024)))
    held = []
    with launch("", tmp_path, COMMAND=json.dumps([sys.executable, "-c", FLOOD])) as running:
        for number, text in enumerate(running.lines(), 1):
            line = json.loads(text)
            assert line["seq"] == number
            if line["event"] == "program.wrote":
                seen.update(line["line"].encode() + b"\n")
            if number in (20_000, 250_000):
                held.append(running.resident())
    assert line["event"] == "run.finished"
    assert seen.digest() == sent.digest()
    early, late = held
    assert late - early < 4 << 20


OBEYS = """
trap 'printf x > "$ARTIFACTS/half.txt"; exit 0' TERM
echo ready
while :; do sleep 0.05; done
"""
IGNORES = """
trap '' TERM
printf x > "$ARTIFACTS/half.txt"
echo $$
sleep 300 &
while :; do sleep 0.05; done
"""


def test_a_program_that_obeys_is_interrupted_and_keeps_its_work(tmp_path: Path) -> None:
    with launch("", tmp_path, COMMAND=json.dumps(["sh", "-c", OBEYS])) as running:
        running.wait_for("program.wrote")
        running.send()
        ended = running.end()
    assert ended.exit_code == 143
    assert [row.name for row in ended.manifest.artifacts] == ["half.txt"]
    program = ended.line("program.ended")
    assert (program["stopped"], program["killed"], program["exit_code"]) == (True, False, 0)


def test_a_program_that_ignores_sigterm_is_killed_with_its_whole_group(tmp_path: Path) -> None:
    with launch("", tmp_path, grace=8, COMMAND=json.dumps(["sh", "-c", IGNORES])) as running:
        running.wait_for("program.wrote")
        running.send()
        ended = running.end()
    assert ended.exit_code == 143
    program = ended.line("program.ended")
    assert (program["killed"], program["signal"]) == (True, "SIGKILL")
    assert [row.name for row in ended.manifest.artifacts] == ["half.txt"]
    with pytest.raises(ProcessLookupError):
        os.killpg(int(written(ended)), 0)


def test_the_maximum_runtime_ends_a_program(tmp_path: Path) -> None:
    ended = shell("sleep 300", tmp_path, MAX_RUNTIME_SECONDS="1")
    assert ended.exit_code == 124
    assert ended.manifest.outcome is Outcome.TIMED_OUT
    assert ended.line("program.ended")["signal"] == signal.SIGTERM.name


STARTED = "until test -s $PID; do sleep 0.05; done; cat $PID"


@pytest.mark.parametrize(
    "start",
    [
        "sleep 300 & echo $!",
        f"setsid sh -c 'echo $$ >$PID; exec sleep 300' & {STARTED}",
        f"(trap '' TERM; sh -c 'echo $PPID' >$PID; exec sleep 300) & {STARTED}",
    ],
    ids=["background", "session of its own", "ignores SIGTERM"],
)
def test_children_that_a_program_leaves_are_ended(start: str, tmp_path: Path) -> None:
    ended = shell(f"export PID={tmp_path}/pid\n{start}\nexit 0", tmp_path)
    assert ended.exit_code == 0
    assert ended.line("program.left")["processes"] >= 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(written(ended).split()[0]), 0)


def test_a_secret_stands_in_no_line_and_no_manifest(tmp_path: Path) -> None:
    """Not whole, not in a long line, not cut at the edge of a read."""
    script = (
        "import os, sys\ns = os.environ['DB_PASSWORD']\nprint(s)\n"
        "for n in range(8150, 8220): print('x' * n + s)\n"
        "for n in range(65500, 65540): sys.stderr.write('y' * n + s)\n"
        "sys.stderr.flush()\nopen(os.environ['ARTIFACTS'] + '/' + s + ' ', 'w')\n"
    )
    ended = run_command([sys.executable, "-c", script], tmp_path, DB_PASSWORD=SECRET)
    everything = json.dumps(ended.lines) + ended.manifest.to_json().decode()
    assert SECRET not in everything
    assert written(ended).count("(redacted)") == 71
    assert written(ended, "stderr").count("(redacted)") == 40


def test_every_number_of_the_log_is_there(tmp_path: Path) -> None:
    ended = shell("for i in 1 2 3 4 5 6 7 8 9; do echo $i; echo $i >&2; done", tmp_path)
    assert [line["seq"] for line in ended.lines] == list(range(1, len(ended.lines) + 1))
    assert ended.manifest.log_lines == len(ended.lines)
