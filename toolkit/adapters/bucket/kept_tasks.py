"""Tasks whose record did not arrive, as the audit kept them: `witness/<schedule>/<run-id>.json`."""

import json
from collections.abc import Iterable
from contextlib import suppress

from attrs import frozen

from toolkit.adapters.aws.s3 import Bucket
from toolkit.core.errors import EvidenceError
from toolkit.core.task import Task
from toolkit.runtime import documents, layout
from toolkit.runtime.contract import ContractError, RunId, parse_time
from toolkit.runtime.documents import FORMAT, DocumentError


class KeptTasks:
    """The tasks that one bucket keeps."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def keep(self, run_id: RunId, task: Task) -> bool:
        """Keep what ECS said of a task, once a run; False where one is kept already."""
        document = {FORMAT: "witness/1", "task": task.to_json()}
        content = json.dumps(document, indent=1).encode() + b"\n"
        return self._bucket.create(layout.witness_key(run_id), content, "application/json")

    def of(self, run_ids: Iterable[RunId]) -> dict[RunId, Task]:
        """What is kept of some runs; usually nothing, which costs one LIST."""
        wanted = {layout.witness_key(run_id): run_id for run_id in run_ids}
        if not wanted:
            return {}
        there = wanted.keys() & set(self._bucket.keys(layout.WITNESS))
        tasks = {}
        for key, content in self._bucket.read_all(sorted(there)).items():
            with suppress(EvidenceError):  # a witness that cannot be read is none
                tasks[wanted[key]] = kept_task(content)
        return tasks


@frozen
class _Witness:
    """What an audit kept of a task."""

    task: Task


def kept_task(content: bytes) -> Task:
    """Read what an audit kept of a task; EvidenceError when it is nothing of the kind."""
    try:
        task = documents.read(_Witness, documents.load(content, "witness"), "witness").task
        for time in task.times.values():
            parse_time(time)
    except (DocumentError, ContractError) as error:
        raise EvidenceError(f"a kept task cannot be read: {error}") from error
    return task
