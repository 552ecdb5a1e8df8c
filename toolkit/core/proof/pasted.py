"""What somebody hands in to be diagnosed: AWS's JSON in any wrapping, or a bare sentence.

DescribeTasks' answer, a state-change event, a dead letter, RunTask's failures or error are found
wherever they stand: in a list, in JSON lines, in an envelope of SQS, SNS or CloudWatch Logs, in a
string. Nothing that is handed in raises; what is not known is class ``unknown``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from toolkit.core.causes.diagnosis import (
    Diagnosis,
    diagnose,
    diagnose_launch,
    diagnose_reason,
    explain,
)
from toolkit.core.causes.stop_reason import StopReason
from toolkit.core.names import CONTAINER
from toolkit.core.proof.evidence import run_of
from toolkit.core.task import Task

UNKNOWN = Diagnosis(
    "unknown",
    "nothing in it is known",
    "It holds no stopped task, no event of one, no dead letter and no sentence of AWS.",
    "hand in the output of: aws ecs describe-tasks --cluster CLUSTER --tasks TASK",
)
_DEEPEST = 20
_LONGEST_LIST = 10_000
_ENDED = frozenset({"STOPPED", "DELETED"})
_RUNNING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"})
_ENCODINGS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
# Containers that AWS adds to a task.
_SIDECARS = ("aws-guardduty-agent", "ecs-service-connect", "aws-otel-collector")
_TASK_MARKS = ("stoppedReason", "stopCode", "lastStatus", "taskArn")
_CONTAINER_MARKS = ("containerArn", "exitCode", "runtimeId")


@frozen
class PastedFinding:
    """One thing that was handed in; ``diagnosis`` is None for a task that ended well.

    ``what`` names it, as far as it says: a task's ARN, a schedule's. ``reason`` is AWS's own text.
    """

    diagnosis: Diagnosis | None
    what: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``class`` is the diagnosis' name."""
        found, reason = self.diagnosis, StopReason.parse(self.reason)
        words = (
            {}
            if found is None
            else {
                "summary": found.summary,
                "meaning": found.meaning,
                "hint": found.hint,
            }
        )
        parts = {"step": reason.step, "cause": reason.cause, "retries": reason.retries}
        return {
            "class": found.name if found else None,
            **words,
            "what": self.what or None,
            "reason": self.reason or None,
            **parts,
        }


def findings(content: bytes, log: Sequence[str] = ()) -> list[PastedFinding]:
    """Diagnose everything that stands in a file; at least one finding.

    Args:
        content: the file, in UTF-8 or with a byte order mark.
        log: lines of the task's log, where it is at hand.
    """
    text = decoded(content)
    documents = _documents(text)
    found = [row for document in documents for row in _walk(document, log, 0)]
    if not documents and text.strip():
        found = [_sentence(text)]
    return found[:_LONGEST_LIST] or [PastedFinding(UNKNOWN)]


def decoded(content: bytes) -> str:
    """Text in UTF-8, or in what its byte order mark says; what cannot be read is marked so."""
    name = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "utf-8")
    return content.decode(name, errors="replace")


def _documents(text: str) -> list[Any]:
    """One JSON document, or one a line; empty where the text is no JSON."""
    whole = _parsed(text)
    if whole is not None:
        return [whole]
    lines = [line for line in text.splitlines() if line.strip()]
    parsed = [_parsed(line) for line in lines]
    return [row for row in parsed if isinstance(row, (dict, list))]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _walk(value: Any, log: Sequence[str], depth: int) -> Iterator[PastedFinding]:
    """Everything diagnosable in a document, from the outside in."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        inner = _parsed(value) if value.lstrip()[:1] in {"{", "["} else None
        if inner is not None:
            yield from _walk(inner, log, depth + 1)
        elif depth <= 1 and value.strip():
            yield _sentence(value)
    elif isinstance(value, list):
        for row in value:
            yield from _walk(row, log, depth + 1)
    elif isinstance(value, dict):
        yield from _object({_key(key): row for key, row in value.items()}, log, depth)


def _key(key: str) -> str:
    """Step Functions and the SDKs of other languages write ``StoppedReason``."""
    return key[:1].lower() + key[1:]


def _object(row: Mapping[str, Any], log: Sequence[str], depth: int) -> Iterator[PastedFinding]:
    found = _letter(row) or _task(row, log) or _refusal(row)
    if found is not None:
        yield found
        return
    for inner in row.values():
        # A sentence stands at the top or nowhere: below, every string is some field.
        if isinstance(inner, (dict, list)) or _is_document(inner):
            yield from _walk(inner, log, depth + 2)


def _is_document(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip()[:1] in {"{", "["}


def _sentence(text: str) -> PastedFinding:
    return PastedFinding(diagnose_reason(text) or UNKNOWN, reason=" ".join(text.split()))


def _letter(row: Mapping[str, Any]) -> PastedFinding | None:
    """A message of a dead-letter queue, or a letter as the toolkit keeps it."""
    attributes = row.get("messageAttributes")
    if isinstance(attributes, dict):
        words = {name: _attribute(value) for name, value in attributes.items()}
        code, message = words.get("ERROR_CODE", ""), words.get("ERROR_MESSAGE", "")
        arn = words.get("SCHEDULE_ARN", "")
    else:
        code, message = _text(row, "error_code"), _text(row, "error_message")
        arn = _text(row, "schedule_arn")
    if not code:
        return None
    found = diagnose_launch(code, message).about("RUN_ID", arn.rsplit("/", 1)[-1] or "NAME")
    return PastedFinding(found, arn, _joined(code, message))


def _attribute(value: Any) -> str:
    row = {_key(key): inner for key, inner in value.items()} if isinstance(value, dict) else {}
    return _text(row, "stringValue") or _text(row, "value")


def _refusal(row: Mapping[str, Any]) -> PastedFinding | None:
    """A row of RunTask's or DescribeTasks' ``failures``, or an error of RunTask."""
    reason, arn = _text(row, "reason"), _text(row, "arn")
    if reason and arn:
        if reason == "MISSING" and ":task/" in arn:
            return PastedFinding(explain("task-forgotten"), arn, reason)
        return PastedFinding(diagnose_launch(reason, _text(row, "detail")), arn, reason)
    code = _text(row, "code") or _text(row, "__type").rpartition("#")[2]
    message = _text(row, "message")
    if code and message and not _is_document(message):
        return PastedFinding(diagnose_launch(code, message), "", _joined(code, message))
    return None


def _task(row: Mapping[str, Any], log: Sequence[str]) -> PastedFinding | None:
    marks = any(_text(row, mark) for mark in _TASK_MARKS)
    alone = not marks and any(mark in row for mark in _CONTAINER_MARKS)
    if not marks and not alone:
        return None
    container = row if alone else _container(_objects(row.get("containers")))
    task = Task(
        task_arn=_text(row, "taskArn"),
        last_status=_status(row, container),
        stop_code=_text(row, "stopCode") or None,
        stopped_reason=_text(row, "stoppedReason") or None,
        exit_code=_exit_code(container.get("exitCode")),
        container_reason=_text(container, "reason") or None,
        environment=_environment(row),
    )
    reason = task.container_reason or task.stopped_reason or ""
    return PastedFinding(_of_task(task, log), task.task_arn, reason)


def _of_task(task: Task, log: Sequence[str]) -> Diagnosis | None:
    if task.last_status in _RUNNING:
        found: Diagnosis | None = explain("still-running")
    elif not task.stopped:
        return UNKNOWN
    else:
        found = diagnose(task, log)
    run_id = run_of(task)
    return found.about(str(run_id), run_id.schedule) if found and run_id else found


def _status(row: Mapping[str, Any], container: Mapping[str, Any]) -> str:
    """STOPPED also for a task on its way there, and for one of which only the end was handed in."""
    said = _text(row, "lastStatus").upper()
    over = _text(row, "stopCode") or _text(row, "stoppedReason")
    if said in _ENDED | _RUNNING:
        return said
    return "STOPPED" if over or _exit_code(container.get("exitCode")) is not None else "UNKNOWN"


def _container(containers: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The workload's container; of a task of something else the one that went wrong first."""
    own = [row for row in containers if row.get("name") == CONTAINER]
    others = [row for row in containers if not _text(row, "name").startswith(_SIDECARS)]
    wrong = [row for row in others if _exit_code(row.get("exitCode")) or _text(row, "reason")]
    return next(iter((*own, *wrong, *others)), {})


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, their keys as ECS writes them."""
    rows = value if isinstance(value, list) else []
    return [{_key(k): v for k, v in row.items()} for row in rows if isinstance(row, dict)]


def _environment(row: Mapping[str, Any]) -> dict[str, str]:
    overrides = _objects([row.get("overrides")])
    containers = _objects(overrides[0].get("containerOverrides")) if overrides else []
    variables = [pair for one in containers for pair in _objects(one.get("environment"))]
    return {_text(pair, "name"): _text(pair, "value") for pair in variables}


def _exit_code(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 3:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _joined(code: str, message: str) -> str:
    return f"{code}: {message}" if message else code
