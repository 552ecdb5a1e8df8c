"""What remains of a run: a folder that is judged without any AWS, and what it cost."""

from pathlib import Path

import pytest

from .conftest import Project

pytestmark = pytest.mark.xdist_group("main-job")


def test_a_kept_folder_is_judged_again_without_any_aws(project: Project, tmp_path: Path) -> None:
    run_id = project.toolkit("run", "weather", "--local", "--follow", "--json").json()["run_id"]
    report = tmp_path / "report.xml"
    project.toolkit("evidence", run_id, "--local", "--output", str(tmp_path))
    folder = str(tmp_path / run_id)
    again = project.toolkit("validate", "--evidence", folder, "--junit", str(report))
    assert again.out.startswith(f"PASS  {run_id}")
    assert 'failures="0"' in report.read_text()
    log = tmp_path / run_id / "execution-logs.csv"
    log.write_text(log.read_text().replace("run.started", "run.sparted"))
    answer = project.toolkit("validate", "--evidence", folder, code=3)
    assert "execution-logs.csv" in answer.err


def test_runs_cost_what_their_time_and_size_cost(project: Project) -> None:
    done = project.toolkit("run", "weather", "--local", "--follow", "--json").json()
    cost = project.toolkit("cost", done["run_id"], "--local", "--json").json()
    (task,) = cost["tasks"]
    assert 0.0004 < task["dollars"] < 0.01  # a minute is the least that is billed
    ahead = project.toolkit("cost", "--local", "--json").json()["schedules"]
    assert [row["schedule"] for row in ahead] == ["weather"]
    assert ahead[0]["dollars"] > 0
