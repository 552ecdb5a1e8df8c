"""What the container knows of itself: its environment, and the ECS metadata endpoint."""

import json
import os
import secrets
import socket
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from http.client import HTTPException
from typing import TypeVar

from attrs import field, frozen

from toolkit.runtime import contract
from toolkit.runtime.catalog import Catalog, Workload
from toolkit.runtime.contract import ContractError, Json, MadeGood, OverlapPolicy, RunId
from toolkit.runtime.urls import REDACTED, hide_credentials

_METADATA = "ECS_CONTAINER_METADATA_URI_V4"
_METADATA_SECONDS = 5
_METADATA_BYTES = 1 << 20
METADATA_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 3.0
_SHORTEST_SECRET = 4
_T = TypeVar("_T")


@frozen
class RunInput:
    """Everything a run was started with, typed and checked."""

    run_id: RunId
    workload: Workload
    settings: Mapping[str, Json]
    bucket: str
    image: str
    max_runtime_seconds: int
    environment: Mapping[str, str]
    execution_id: str | None
    attempt: str | None
    overlap: OverlapPolicy = OverlapPolicy.ALLOW
    made_good_by: str = ""
    made_good_why: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)  # their values

    @property
    def hidden(self) -> tuple[str, ...]:
        """Texts that neither log nor manifest may hold, the longest first."""
        own = [
            str(self.settings[variable.name.lower()])
            for variable in self.workload.variables
            if variable.secret
        ]
        return tuple(sorted({*filter(None, own), *self.secrets}, key=len, reverse=True))

    @property
    def image_digest(self) -> str | None:
        """The digest of ``repository@sha256:…``; None for an image named by tag."""
        _, _, digest = self.image.partition("@")
        return digest or None

    @property
    def shown_settings(self) -> dict[str, Json]:
        """The settings as the log and the manifest may tell them: secrets redacted."""
        return {
            variable.name.lower(): variable.shown(self.settings[variable.name.lower()])
            for variable in self.workload.variables
        }

    def made_good(self, started: datetime) -> MadeGood | None:
        """Who makes a firing good, where one is; ``started`` tells how late it is."""
        if not self.made_good_by:
            return None
        late = (started - self.run_id.scheduled_time).total_seconds()
        return MadeGood(self.made_good_by, self.made_good_why, round(late, 3))

    def redact(self, text: str) -> str:
        """``text`` without secrets and credentials: a failed request tells its whole URL."""
        for secret in self.hidden:
            text = text.replace(secret, REDACTED)
        return hide_credentials(text)

    def redacted(self, value: Json) -> Json:
        """The same for every text in a document."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {name: self.redacted(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redacted(item) for item in value]
        return value


def read_task(environment: Mapping[str, str], catalog: Catalog) -> RunInput:
    """Read the environment; raises one ContractError that lists every problem, a line each."""
    reader = _Reader(environment)
    workload = reader.attempt(lambda: catalog.workload(reader.required(contract.WORKLOAD)))
    schedule = reader.attempt(lambda: _schedule(reader.required(contract.SCHEDULE)))
    due = reader.attempt(lambda: _time(reader.required(contract.SCHEDULED_TIME)))
    bucket = reader.attempt(lambda: reader.required(contract.BUCKET))
    limit = reader.attempt(lambda: _limit(environment, workload))
    settings = reader.attempt(lambda: workload.settings(environment) if workload else None)
    overlap = reader.attempt(lambda: _overlap(environment.get(contract.OVERLAP)))
    token = environment.get(contract.RUN_TOKEN)
    run_id = None
    if schedule and due:
        run_id = reader.attempt(lambda: RunId.parse(str(RunId(schedule, due, token))))
    if reader.problems:
        raise ContractError("\n".join(reader.problems))
    assert workload is not None
    assert run_id is not None
    assert bucket is not None
    assert limit is not None
    assert settings is not None
    return RunInput(
        run_id=run_id,
        workload=workload,
        settings=settings,
        bucket=bucket,
        image=environment.get(contract.IMAGE, ""),
        max_runtime_seconds=limit,
        environment=_shown(environment, workload),
        execution_id=environment.get(contract.EXECUTION_ID),
        attempt=environment.get(contract.ATTEMPT),
        overlap=overlap or OverlapPolicy.ALLOW,
        made_good_by=environment.get(contract.MADE_GOOD_BY, ""),
        made_good_why=environment.get(contract.MADE_GOOD_WHY, ""),
        secrets=secret_texts(environment.get(row.name, "") for row in workload.secrets),
    )


def secret_texts(values: Iterable[str]) -> tuple[str, ...]:
    """What must not be told of secrets: each value, its lines, and the texts in its JSON.

    Shorter ones than four characters are left alone: they are in everything.

    >>> secret_texts(['{"user": "shop", "pin": 7}'])
    ('{"user": "shop", "pin": 7}', 'shop')
    """
    found: dict[str, None] = {}
    for value in values:
        texts = [value, *value.splitlines()]
        with suppress(ValueError, RecursionError):
            document = json.loads(value)
            if isinstance(document, dict):
                texts += [text for text in document.values() if isinstance(text, str)]
        found |= dict.fromkeys(text for text in texts if len(text.strip()) >= _SHORTEST_SECRET)
    return tuple(found)


class MetadataError(Exception):
    """The task metadata endpoint did not say which task this is."""


def task_arn(
    environment: Mapping[str, str],
    *,
    patience: float = METADATA_PATIENCE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], bool | None] = time.sleep,
) -> str:
    """The ARN of this task, from the ECS task metadata endpoint, version 4.

    Outside ECS there is no endpoint and the process names itself: the claim only needs a name
    that no other run has. An endpoint that does not answer is asked again for ``patience`` seconds,
    or until ``wait`` returns True because the run was asked to stop, and is an error then
    (MetadataError): without the ARN a duplicate delivery could not be told from our own claim.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
    """
    base = environment.get(_METADATA)
    if base is None:
        # Containers of one host may share its name and each have pid 1.
        return f"local:{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}"
    deadline = clock() + patience
    pause = _PAUSE_SECONDS
    while True:
        try:
            return _metadata_arn(f"{base}/task", clock() + _METADATA_SECONDS, clock)
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            if clock() + pause > deadline or wait(pause):
                raise MetadataError(f"{base}/task: {error}") from error
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _metadata_arn(url: str, deadline: float, clock: Callable[[], float]) -> str:
    """One GET of the endpoint, bounded in time and size as a whole."""
    content = b""
    with urllib.request.urlopen(url, timeout=_METADATA_SECONDS) as answer:  # noqa: S310 - ECS gives an http URL
        while chunk := answer.read1(_METADATA_BYTES):
            content += chunk
            if clock() > deadline or len(content) > _METADATA_BYTES:
                raise TimeoutError("its answer does not end")
    arn = json.loads(content)["TaskARN"]
    if not isinstance(arn, str) or not arn:
        raise ValueError("it names no task")
    return arn


class _Reader:
    """Collects problems instead of stopping at the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def required(self, name: str) -> str:
        value = self._environment.get(name, "")
        if not value:
            raise ContractError(f"{name} is not set")
        return value

    def attempt(self, read: Callable[[], _T]) -> _T | None:
        """What ``read`` returns, or None after noting its problem."""
        try:
            return read()
        except ContractError as error:
            self.problems.extend(str(error).splitlines())
            return None


def _schedule(name: str) -> str:
    if contract.NAME.fullmatch(name) is None:
        raise ContractError(f"SCHEDULE={name!r} does not match {contract.NAME.pattern}")
    return name


def _time(text: str) -> datetime:
    try:
        return contract.parse_time(text)
    except ContractError as error:
        raise ContractError(f"SCHEDULED_TIME: {error}") from error


def _overlap(text: str | None) -> OverlapPolicy:
    try:
        return OverlapPolicy(text or OverlapPolicy.ALLOW)
    except ValueError as error:
        raise ContractError(f"OVERLAP={text!r} is neither allow nor skip") from error


def _limit(environment: Mapping[str, str], workload: Workload | None) -> int:
    text = environment.get(contract.MAX_RUNTIME_SECONDS)
    if text is None:
        return workload.max_runtime_seconds if workload else 1
    if not text.isdecimal() or int(text) == 0:
        raise ContractError(f"MAX_RUNTIME_SECONDS={text!r} is not a positive whole number")
    return int(text)


def _shown(environment: Mapping[str, str], workload: Workload) -> dict[str, str]:
    """The part of the environment that made this run what it is, secrets redacted."""
    shown = {
        variable.name: str(variable.shown(environment[variable.name]))
        for variable in workload.variables
        if variable.name in environment
    }
    shown |= {n: environment[n] for n in contract.CONTRACT_VARIABLES if n in environment}
    return dict(sorted(shown.items()))
