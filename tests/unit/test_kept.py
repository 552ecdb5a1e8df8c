"""A kept folder: exact files, the same verdict offline, and no edit unnoticed."""

import csv
import hashlib
import io
import json

import pytest
from attrs import evolve

from toolkit.core.errors import EvidenceError
from toolkit.core.pages.report import report
from toolkit.core.proof import kept
from toolkit.core.proof.content import Content
from toolkit.core.proof.verdict import Ruling, judge
from toolkit.runtime.contract import RunId

from .test_verdict import GOOD, KEY, LATER, LINES, MANIFEST, RUN_ID, STORED

LOG = [(1795496420000 + number, line) for number, line in enumerate(LINES)]


CLAIM = RunId.parse(RUN_ID).claim_key
RAW = {CLAIM: GOOD.claim.to_json(), STORED.key: MANIFEST.to_json()}
SEEN = evolve(
    GOOD,
    left_out=("a.csv",),
    contents={KEY: Content(10, "ab", 3)},
    ledger=(evolve(STORED, sha256=hashlib.sha256(RAW[STORED.key]).hexdigest()),),
)


def folder() -> dict[str, bytes]:
    return kept.documents(SEEN, judge(SEEN, LATER), LOG, RAW)


def test_the_log_is_as_the_console_exports_it() -> None:
    text = folder()["execution-logs.csv"].decode()
    assert text.startswith('timestamp,message\n1795496420000,"{""seq"": 1, ""run_id"": ')
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [json.loads(row["message"])["seq"] for row in rows] == [1, 2, 3, 4]


def test_a_line_with_a_line_break_and_quotes_survives() -> None:
    lines = [(1, 'a "quoted", line\nand another'), (2, "")]
    assert kept.read_log(kept.log_csv(lines)) == lines


def test_a_folder_gives_back_the_evidence_and_so_the_verdict() -> None:
    again = kept.evidence_of(folder())
    assert again == SEEN
    assert judge(again, LATER) == judge(SEEN, LATER)


def test_the_log_is_judged_from_the_log_and_not_from_what_was_once_said_of_it() -> None:
    files = folder()
    lines = files["execution-logs.csv"].decode().splitlines(keepends=True)
    files["execution-logs.csv"] = "".join([*lines[:2], *lines[3:]]).encode()
    found = judge(kept.evidence_of(files), LATER)
    assert found.ruling is Ruling.FAIL
    assert any("1 of 4 lines are missing" in check.detail for check in found.checks)


def test_an_edited_or_deleted_file_is_noticed() -> None:
    files = folder()
    files[kept.SUMS] = kept.sums(files).encode()
    assert kept.altered(files) == []
    assert kept.altered({**files, "manifest.json": b"{}"}) == ["manifest.json"]
    del files["claim.json"]
    assert kept.altered(files) == ["claim.json"]


@pytest.mark.parametrize("name", ["evidence.json", "lifecycle.json"])
def test_a_folder_without_its_evidence_is_refused(name: str) -> None:
    files = folder()
    del files[name]
    with pytest.raises(EvidenceError, match="does not hold"):
        kept.evidence_of(files)


def test_the_report_escapes_what_it_shows() -> None:
    hostile = [(1, "<script>alert(1)</script>")]
    page = report(GOOD, judge(GOOD, LATER), hostile, {})
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert page.count("<script>") == 1
