"""Days pass on an app with an audit and a signing key: they are sealed, signed and proved."""

import json
from pathlib import Path

from tests.functional.conftest import make_project, make_quick, start_at
from toolkit.core.proof.signature import pem

from .stage import Stage


def test_the_audit_seals_and_signs_and_a_kept_folder_is_proved_by_the_key(tmp_path: Path) -> None:
    project = make_project(tmp_path, audit=True)
    make_quick(project)
    config = project.root / "toolkit.toml"
    text = config.read_text().replace("rate(30 minutes)", "rate(1 hour)")
    config.write_text(f'{text}\n[default.audit_parameters]\nSigningKey = "true"\n')
    start_at(project, "22:30")
    project.toolkit("deploy", "--local", "--yes", "--only", "weather", "--only", "audit")
    try:
        project.toolkit("local", "advance", "75m")
        # A day is sealed 24 hours after its end; until then no audit is needed.
        stage = Stage(project)
        stage.change("audit", State="DISABLED")
        project.toolkit("local", "advance", "24h")
        stage.change("audit", State="ENABLED")
        project.toolkit("local", "advance", "3h")
        found = project.toolkit("verify", "--local", "--json").json()
        assert found["problems"] == []
        assert found["signed"] >= 1
        assert found["unsigned"] == 0
        runs = project.toolkit("ledger", "--since", "4d", "--local", "--json", code=None).json()
        states = [row["state"] for row in runs["firings"] if row["run_id"].startswith("audit-")]
        assert set(states) <= {"ok", "missed", "not-yet-due"}
        run_id = next(row["run_id"] for row in runs["firings"] if row["state"] == "ok")
        project.toolkit("evidence", run_id, "--local", "--output", str(tmp_path))
        folder, kms = tmp_path / run_id, project.aws("kms")
        arn = json.loads((folder / "signature.json").read_text())["signatures"][0]["keyid"]
        key = tmp_path / "key.pem"
        key.write_text(pem(kms.get_public_key(KeyId=arn)["PublicKey"]))
        said = project.toolkit("validate", "--evidence", str(folder), "--key", str(key))
        assert said.out.startswith(f"PASS  {run_id}")
    finally:
        project.toolkit("local", "stop")
