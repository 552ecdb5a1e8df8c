"""The verdict on a run: artifacts first, then exit and stop code, then logs.

Pure: the same evidence gives the same verdict, today or years later, for what was expected of the
run is part of it. Missing evidence is never success: a check without it is UNKNOWN, and a verdict
with an UNKNOWN check is INCONCLUSIVE.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from attrs import asdict, evolve, frozen

from toolkit.core.causes.diagnosis import Diagnosis, diagnose, diagnose_launch, explain
from toolkit.core.checks import Check, Status, worst
from toolkit.core.proof import artifact_checks, identity_checks, seal_facts, task_checks
from toolkit.core.proof.case import Case
from toolkit.core.proof.evidence import Evidence
from toolkit.runtime.contract import RunId
from toolkit.runtime.documents import printable


class Ruling(StrEnum):
    """The whole."""

    PASS = "PASS"  # noqa: S105 - a ruling, no secret
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> int:
        """The exit code of `toolkit validate`."""
        return {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 4}[self]


_RULINGS = {
    Status.OK: Ruling.PASS,
    Status.WARN: Ruling.PASS,
    Status.FAIL: Ruling.FAIL,
    Status.UNKNOWN: Ruling.INCONCLUSIVE,
}
_CHECKS = (
    artifact_checks.manifest,
    artifact_checks.artifacts,
    artifact_checks.content,
    artifact_checks.quality,
    task_checks.launch,
    task_checks.lifecycle,
    task_checks.image,
    task_checks.stream,
    task_checks.logs,
    identity_checks.pieces,
    identity_checks.expectation,
    seal_facts.seal,
    seal_facts.signature,
)


@frozen
class Verdict:
    """The ruling, the checks it rests on, and the diagnosis: of a PASS, a duplicate delivery."""

    run_id: str
    ruling: Ruling
    checks: tuple[Check, ...]
    diagnosis: Diagnosis | None = None

    def with_hint(self, placed: Callable[[str], str]) -> Self:
        """The same for people: the commands of its hint as they are to be typed."""
        if self.diagnosis is None:
            return self
        return evolve(self, diagnosis=evolve(self.diagnosis, hint=placed(self.diagnosis.hint)))

    def to_json(self) -> dict[str, Any]:
        """The verdict as a JSON object."""
        return {**asdict(self), "exit_code": self.ruling.exit_code}


def judge(evidence: Evidence, now: datetime) -> Verdict:
    """Judge what was gathered of one run."""
    case = Case(evidence, now)
    made = [_checked(check, case) for check in _CHECKS]
    made += [Check("evidence", Status.UNKNOWN, text) for text in evidence.problems]
    checks = tuple(check for check in made if check is not None)
    ruling = _RULINGS[worst(check.status for check in checks)]
    found = _notes(checks) if ruling is Ruling.PASS else _diagnoses(case, checks)
    diagnosis = next(found, None)
    if diagnosis is not None:
        schedule = RunId.parse(evidence.run_id).schedule
        diagnosis = diagnosis.about(evidence.run_id, schedule)
    return Verdict(evidence.run_id, ruling, checks, diagnosis)


def _checked(check: Callable[[Case], Check | None], case: Case) -> Check | None:
    """One check; what it cannot make sense of spoils this run's verdict and no other's."""
    try:
        return check(case)
    except Exception as error:  # noqa: BLE001 - evidence comes from anywhere, and odd forms have no end
        text = f"cannot be judged: {type(error).__name__}: {printable(str(error))[:200]}"
        return Check(check.__name__, Status.UNKNOWN, text)


def _notes(checks: tuple[Check, ...]) -> Iterator[Diagnosis]:
    """What is worth saying of a run that passed."""
    return (explain(check.finding) for check in checks if check.finding is not None)


def _diagnoses(case: Case, checks: tuple[Check, ...]) -> Iterator[Diagnosis]:
    """What explains the ruling, the nearest to the cause first."""
    evidence = case.evidence
    tasks = case.tasks if case.owner is None else (case.owner,)
    log = evidence.logs.last_words if evidence.logs is not None else ()
    for task in tasks:
        found = diagnose(task, log)
        if found is not None:
            yield found
    for letter in evidence.dead_letters:
        yield diagnose_launch(letter.error_code, letter.error_message)
    # Under a broken seal nobody tells of the task: that is the cause.
    ordered = sorted(checks, key=lambda check: check.finding != "seal-broken")
    for wanted in (Status.FAIL, Status.UNKNOWN):
        for check in ordered:
            if check.status is wanted and check.finding is not None:
                yield explain(check.finding)
