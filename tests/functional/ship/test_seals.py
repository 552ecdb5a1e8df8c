"""Days that are sealed and signed on the embedded AWS, read, checked and kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen
from botocore.exceptions import ClientError

from tests.functional.conftest import Project
from toolkit.adapters.aws.kms import SigningKey
from toolkit.app.app import App
from toolkit.app.opening import open_app
from toolkit.app.proof.seals import SealsWritten, seal_due_days

from .conftest import DEPLOY

WHERE = ("--local", "--config-env", "sealed")
APP = "sealed"


class Console:
    def say(self, text: str) -> None:
        pass

    changes = event = confirm = say


@frozen
class SealedApp:
    """An app whose first days are sealed and signed."""

    project: Project
    app: App
    key: SigningKey
    written: SealsWritten

    @property
    def bucket(self) -> str:
        return self.app.bucket.name

    @property
    def run_id(self) -> str:
        """A run of a day that is sealed."""
        found = self.project.toolkit("ledger", "--since", "6d", *WHERE, "--json").json()
        return str(next(row["run_id"] for row in found["firings"] if row["state"] == "ok"))


@pytest.fixture(scope="module")
def sealed(shipped: Project) -> Iterator[SealedApp]:
    shipped.toolkit(*DEPLOY, "--config-env", "sealed")
    shipped.toolkit("local", "advance", "4d")
    app = open_app(shipped.root, Console(), environment="sealed", local=True)  # type: ignore[arg-type]
    made = app.aws.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    key = SigningKey(app.aws, made["KeyMetadata"]["Arn"])
    yield SealedApp(shipped, app, key, seal_due_days(app, app.now(), key))
    shipped.toolkit("delete", *WHERE, "--yes", "--data")


def pem(sealed: SealedApp, folder: Path) -> str:
    """The public key as somebody keeps it who got it from the account."""
    path = folder / "key.pem"
    path.write_text(sealed.key.public)
    return str(path)


def test_the_first_days_are_sealed_and_the_last_two_are_not(sealed: SealedApp) -> None:
    assert 2 <= len(sealed.written.keys) <= 3
    assert sealed.written.waiting == ()
    assert seal_due_days(sealed.app, sealed.app.now(), sealed.key).keys == ()


def test_the_ledger_is_the_same_from_seals(sealed: SealedApp) -> None:
    found = sealed.project.toolkit("ledger", "--since", "6d", *WHERE, "--json").json()
    assert {row["state"] for row in found["firings"]} == {"ok", "not-yet-due"}
    told = sealed.project.toolkit("ledger", "--since", "6d", *WHERE, "--debug").err
    assert told.count("s3.GetObject ") >= len(sealed.written.keys)


def test_verify_finds_all_of_it_as_it_was_sealed(sealed: SealedApp, tmp_path: Path) -> None:
    key = pem(sealed, tmp_path)
    said = sealed.project.toolkit("verify", *WHERE, "--deep", "--key", key)
    assert "everything that was sealed stands" in said.out
    found = sealed.project.toolkit("verify", *WHERE, "--json").json()
    assert (found["signed"], found["unsigned"]) == (len(sealed.written.keys), 0)
    assert found["problems"] == []


def test_a_kept_folder_is_proved_by_the_key_alone(sealed: SealedApp, tmp_path: Path) -> None:
    run_id, key = sealed.run_id, pem(sealed, tmp_path)
    sealed.project.toolkit("evidence", run_id, *WHERE, "--output", str(tmp_path))
    folder = str(tmp_path / run_id)
    answer = sealed.project.toolkit("validate", "--evidence", folder, "--key", key)
    assert answer.out.startswith(f"PASS  {run_id}")
    assert "signed the seal" in " ".join(answer.out.split())
    assert answer.err == ""
    without = sealed.project.toolkit("validate", "--evidence", folder)
    assert without.err.startswith("without --key, only the folder's own checksums are checked")
    (tmp_path / run_id / "signature.json").unlink()
    answer = sealed.project.toolkit("validate", "--evidence", folder, "--key", key, code=3)
    assert "signature.json" in answer.err


def test_a_seal_is_written_once_whoever_writes(sealed: SealedApp) -> None:
    s3 = sealed.project.aws("s3")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=sealed.bucket, Key=sealed.written.keys[0], Body=b"", IfNoneMatch="*")


def test_a_seal_that_was_altered_is_named_everywhere(sealed: SealedApp) -> None:
    s3 = sealed.project.aws("s3")
    bodies = {
        key: s3.get_object(Bucket=sealed.bucket, Key=key)["Body"].read()
        for key in sealed.written.keys
    }
    # At a late hour the first day has no firing any more.
    key, before = next((key, body) for key, body in bodies.items() if b'"ok"' in body)
    s3.put_object(Bucket=sealed.bucket, Key=key, Body=before.replace(b'"ok"', b'"missed"'))
    try:
        said = sealed.project.toolkit("verify", *WHERE, code=1)
        assert f"{key}: it is not the seal that" in " ".join(said.out.split())
        ledger = sealed.project.toolkit("ledger", "--since", "6d", *WHERE, code=1)
        assert f"the chain of seals is broken: {key}" in ledger.err
        judged = sealed.project.toolkit("validate", "--since", "6d", *WHERE, code=1)
        assert f"the chain of seals is broken: {key}" in judged.err
        assert f"{key}: it is not the seal that" in " ".join(judged.out.split())
    finally:
        s3.put_object(Bucket=sealed.bucket, Key=key, Body=before)


def test_a_deleted_app_is_verified_from_its_bucket(sealed: SealedApp) -> None:
    found = sealed.project.toolkit("verify", "--bucket", sealed.bucket, *WHERE, "--json").json()
    assert found["problems"] == []


def test_where_nothing_is_sealed_it_says_so(shipped: Project) -> None:
    assert shipped.toolkit("verify", "--local", code=4).out.startswith("nothing is sealed")
