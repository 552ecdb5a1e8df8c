"""Verdicts as a JUnit report, which every CI system shows: a suite a run, a case a check.

https://github.com/testmoapp/junitxml
"""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from toolkit.core.checks import Check, Status
from toolkit.core.proof.verdict import Verdict


def junit(verdicts: Sequence[Verdict]) -> str:
    """The report; FAIL is a failure, UNKNOWN an error: nobody may take it for a pass."""
    root = ET.Element("testsuites", name="toolkit validate")
    for verdict in verdicts:
        checks = verdict.checks
        suite = ET.SubElement(
            root,
            "testsuite",
            name=verdict.run_id,
            tests=str(len(checks)),
            failures=_count(checks, Status.FAIL),
            errors=_count(checks, Status.UNKNOWN),
        )
        for check in checks:
            case = ET.SubElement(suite, "testcase", classname=verdict.run_id, name=check.name)
            text = "\n".join(_lines(check))
            if check.status is Status.OK:
                ET.SubElement(case, "system-out").text = text
            else:
                kind = "failure" if check.status is Status.FAIL else "error"
                row = ET.SubElement(case, kind, message=check.detail)
                hint = verdict.diagnosis
                row.text = f"{text}\n{hint.summary}. {hint.hint}" if hint else text
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _count(checks: Sequence[Check], status: Status) -> str:
    return str(sum(check.status is status for check in checks))


def _lines(check: Check, indent: str = "") -> Iterable[str]:
    yield f"{indent}{check.status}  {check.name}: {check.detail}"
    for child in check.children:
        yield from _lines(child, indent + "  ")
