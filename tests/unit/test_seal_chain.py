"""No seal can be changed, taken away or exchanged without a trace."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.app.proof.seals import seal_due_days
from toolkit.core.errors import EvidenceError
from toolkit.core.proof.seal import Seal, SealedRow
from toolkit.runtime.contract import Outcome, format_time

from .sealing import a_month, checked_chain, contents, days_later
from .spoiled_runs import (
    START,
    a_run,
    an_app,
)


def a_chain() -> dict[str, bytes]:
    aws = a_month(["", "failed", "", ""])
    seal_due_days(an_app(aws, days_later(3)), days_later(3))
    made = a_run(0, "", timedelta(days=1))
    aws.objects[made.run_id.manifest_key(Outcome.FAILED)] = made.manifest().to_json()
    seal_due_days(an_app(aws, days_later(6)), days_later(6))
    return contents(aws)


CHAIN = a_chain()


LAST = max(CHAIN, key=lambda key: (Seal.from_json(CHAIN[key]).sealed_at, key))


def test_a_chain_that_nobody_touched_holds() -> None:
    assert checked_chain(CHAIN).problems == ()
    assert len(CHAIN) == 6


@settings(max_examples=examples(200), deadline=None)
@given(st.data())
def test_no_byte_of_a_seal_can_be_changed(data: st.DataObject) -> None:
    heads = {link.key for link in checked_chain(CHAIN).heads}
    key = data.draw(st.sampled_from(sorted(CHAIN.keys() - heads)))
    content = bytearray(CHAIN[key])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    found = checked_chain({**CHAIN, key: bytes(content)})
    assert any(problem.key == key for problem in found.problems)
    part = checked_chain({**CHAIN, key: bytes(content)}, whole=False)
    assert any(problem.key == key for problem in part.problems)


def test_no_seal_can_be_taken_away_but_the_last() -> None:
    heads = {link.key for link in checked_chain(CHAIN).heads}
    for key in CHAIN.keys() - heads:
        rest = {name: body for name, body in CHAIN.items() if name != key}
        assert checked_chain(rest).problems, key


def test_no_seal_passes_for_another() -> None:
    for key in CHAIN:
        for other in CHAIN.keys() - {key}:
            swapped = {**CHAIN, key: CHAIN[other]}
            assert checked_chain(swapped).problems, (key, other)


def test_seals_of_another_bucket_are_refused() -> None:
    found = checked_chain(CHAIN, "mine")
    assert {problem.key for problem in found.problems} >= CHAIN.keys()


def test_a_chain_that_was_begun_anew_is_seen() -> None:
    rows = json.loads(CHAIN[LAST])
    assert checked_chain({**CHAIN, LAST: json.dumps({**rows, "previous": []}).encode()}).problems


@pytest.mark.parametrize(
    "facts",
    [
        {"manifests": 1},
        {"manifests": [1]},
        {"manifests": [{"key": 1}]},
        {"artifacts": []},
        {"artifacts": {"a": 1}},
        {"artifacts": {"a": {"sha256": 1}}},
        {"claim": 1},
    ],
)
def test_facts_of_another_type_are_no_seal(facts: dict[str, object]) -> None:
    row = SealedRow("weather-20261101T060000Z", "ok", facts=facts)
    seal = Seal("a", "bucket", "2026-11-01", format_time(START), firings=(row,))
    with pytest.raises(EvidenceError, match="the facts of weather-20261101T060000Z"):
        Seal.from_json(seal.to_json())


def test_firings_of_another_day_are_no_seal() -> None:
    row = SealedRow("weather-20261102T060000Z", "ok")
    seal = Seal("a", "bucket", "2026-11-01", format_time(START), firings=(row,))
    with pytest.raises(EvidenceError, match="of another day"):
        Seal.from_json(seal.to_json())


@settings(max_examples=examples(60), deadline=None)
@given(
    content=st.sampled_from(sorted(CHAIN.values())),
    cut=st.integers(0, 400),
    put=st.sampled_from([b"", b",\n", b"\n", b" ", b"{}", b"]", b"[", b"null", b",", b"\\u0041"]),
)
def test_a_seal_read_by_lines_is_the_seal_read_whole(content: bytes, cut: int, put: bytes) -> None:
    """Whatever is put into it, wherever: a seal of other white space is read as a whole."""
    for spoiled in (content[:cut] + put + content[cut:], content[:-cut] + put + content[-cut:]):
        try:
            by_lines = Seal.from_json(spoiled)
        except EvidenceError:
            by_lines = None
        try:
            whole = Seal.from_json(b" " + spoiled + b" ")
        except EvidenceError:
            whole = None
        assert by_lines == whole
