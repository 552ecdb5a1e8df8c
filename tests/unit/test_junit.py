"""JUnit: what is not a pass is never shown as one."""

from datetime import timedelta
from xml.etree import ElementTree as ET

from attrs import evolve

from toolkit.core.pages.junit import junit
from toolkit.core.proof.verdict import judge

from .test_verdict import DUE, GOOD, LATER, TASK


def test_every_check_is_a_case_and_only_a_good_one_passes() -> None:
    good = judge(GOOD, LATER)
    bad = judge(evolve(GOOD, objects={}), LATER)
    running = evolve(TASK, last_status="RUNNING", exit_code=None)
    unclear = judge(
        evolve(GOOD, manifests=(), objects={}, tasks=(running,)),
        DUE + timedelta(minutes=1),
    )
    root = ET.fromstring(junit([good, bad, unclear]))
    suites = root.findall("testsuite")
    assert (suites[0].get("failures"), suites[0].get("errors")) == ("0", "0")
    assert suites[1].get("failures") == "1"
    failure = suites[1].find("testcase[@name='artifacts']/failure")
    assert failure is not None
    assert "not in the bucket" in str(failure.text)
    assert int(str(suites[2].get("errors"))) > 0
    assert [len(suite) for suite in suites] == [int(str(s.get("tests"))) for s in suites]
