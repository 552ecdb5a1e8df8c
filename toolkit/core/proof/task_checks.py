"""The checks on how a run went: launch, lifecycle, image, a stream's time, the log."""

from collections.abc import Mapping, Sequence

from toolkit.core.causes.diagnosis import diagnose
from toolkit.core.checks import Check, Status
from toolkit.core.proof.case import Case
from toolkit.core.proof.ledger import State
from toolkit.core.proof.log_digest import LogDigest
from toolkit.core.proof.make_good import told
from toolkit.core.task import Task
from toolkit.runtime.contract import MADE_GOOD_BY, Manifest, Outcome, RunId, parse_time

# A stream runs RUN_SECONDS from the moment its connection stands, then saves what it has.
_EARLY_SECONDS = 1.0
_SAVING_SECONDS = 60.0


def launch(case: Case) -> Check:
    """One task for one firing; what EventBridge delivered twice was suppressed by the claim."""
    evidence, name = case.evidence, "launch"
    if evidence.dead_letters:
        letter = evidence.dead_letters[0]
        text = f"dead-lettered: {letter.error_code}: {letter.error_message}"
        return Check(name, Status.FAIL, text)
    if not case.tasks and not case.traceless:
        text = "its task is not known any more, neither to ECS nor to the state-change log"
        return Check(name, Status.UNKNOWN, text, finding="task-forgotten")
    if not case.tasks:
        status, text, finding = case.nothing()
        return Check(name, status, text, finding=finding)
    lateness, count = _lateness(case), len(case.tasks)
    what = "firing" if RunId.parse(evidence.run_id).token is None else "run"
    if count == 1:
        return Check(name, Status.OK, f"one task for this {what}{lateness}")
    if case.owner is None:
        return Check(name, Status.UNKNOWN, f"{count} tasks for this {what}, none claimed it")
    others = [task for task in case.tasks if task != case.owner]
    if not all(task.stopped for task in others):
        text = f"{count} tasks for this {what}{lateness}; another one still runs"
        return Check(name, Status.UNKNOWN, text, finding="still-running")
    bad = [task for task in others if task.stopped and task.exit_code != 0]
    text = f"{count} tasks for this {what}{lateness}; "
    if bad:
        text += f"duplicate ended with {_exit(bad[0])}"
        return Check(name, Status.FAIL, text, finding="duplicate-failed")
    text += "duplicates suppressed by the claim"
    return Check(name, Status.OK, text, finding="duplicate")


def lifecycle(case: Case) -> Check:
    """The owner's container ended by itself with exit code 0."""
    name, task = "lifecycle", case.owner
    if task is None:
        if case.evidence.dead_letters:
            return Check(name, Status.FAIL, "no task was ever started")
        if case.evidence.claim is None and case.tasks:
            return _unclaimed(case.tasks)
        return Check(name, Status.UNKNOWN, "neither ECS nor the state-change log has the task")
    if not task.stopped:
        text = f"{task.last_status}: the task still runs"
        return Check(name, Status.UNKNOWN, text, finding="still-running")
    return Check(name, Status.OK if diagnose(task) is None else Status.FAIL, _end(task))


def _unclaimed(tasks: Sequence[Task]) -> Check:
    """How several tasks ended of which none came as far as its claim: each with its reason."""
    texts = [f"{task.task_arn.rsplit('/', 1)[-1][:8]} {_end(task)}" for task in tasks]
    if not all(task.stopped for task in tasks):
        return Check("lifecycle", Status.UNKNOWN, "; ".join(texts), finding="still-running")
    failed = all(diagnose(task) is not None for task in tasks)
    return Check("lifecycle", Status.FAIL if failed else Status.UNKNOWN, "; ".join(texts))


def _end(task: Task) -> str:
    """How a task ended, with the reason where that is not well."""
    if not task.stopped:
        return f"{task.last_status}: still runs"
    text = f"STOPPED, {task.stop_code}, {_exit(task)}"
    duration = task.duration()
    if duration is not None:
        text += f", {duration.total_seconds():.1f} s"
    found = diagnose(task)
    if found is None:
        return text
    return f"{text}: {task.container_reason or task.stopped_reason or found.summary}"


def image(case: Case) -> Check | None:
    """The run came from the image that was deployed, by its digest.

    ECS names the image as the task definition has it, and the digest of what it pulled, which for a
    multi-platform image is another one: either is the same image.
    """
    name, manifest, task = "image", case.evidence.manifest, case.owner
    if manifest is None:
        return None
    stated = _digest(manifest.image)
    ran = {d for d in (task.image_digest, _digest(task.image)) if d} if task is not None else set()
    definition = case.evidence.task_definition
    deployed = _digest(definition.image if definition else case.evidence.deployed_image)
    if stated is None or not (ran or deployed):
        return Check(name, Status.UNKNOWN, "neither task nor stack names a digest")
    if ran and stated not in ran:
        text = f"the manifest says {stated[:19]}…, {case.witness} has {min(ran)[:19]}…"
        return Check(name, Status.FAIL, text, finding="other-image")
    if definition is not None and deployed is not None and deployed not in {stated, *ran}:
        text = f"the manifest says {stated[:19]}…, the task definition {deployed[:19]}…"
        return Check(name, Status.FAIL, text, finding="other-image")
    if ran and definition is None and case.passed_when_sealed is not None:
        return Check(name, Status.OK, f"{stated[:19]}… as deployed, by the seal")
    if not ran:
        text = f"the manifest says {stated[:19]}…, and nothing says any more what ECS ran"
        return Check(name, Status.UNKNOWN, text)
    if deployed not in {stated, *ran}:
        text = f"ECS ran {stated[:19]}…, and nothing says that it was deployed"
        return Check(name, Status.UNKNOWN, text)
    return Check(name, Status.OK, f"{stated[:19]}… as deployed")


def stream(case: Case) -> Check | None:
    """A stream ran for its time: never shorter, and no longer than connecting and saving take."""
    manifest = case.evidence.manifest
    if case.workload is None or case.workload.kind != "stream" or manifest is None:
        return None
    if manifest.outcome is Outcome.SKIPPED:
        return None
    settings = manifest.settings
    wanted = _number(settings.get("run_seconds"), case.workload.run_seconds({}))
    grace = _SAVING_SECONDS + _number(settings.get("connect_budget_seconds"), 0.0)
    began, ended = parse_time(manifest.started_at), parse_time(manifest.finished_at)
    ran = (ended - began).total_seconds()
    text = f"ran {ran:,.1f} s of {wanted:,.0f} s"
    if ran >= wanted:
        text = f"its {wanted:,.0f} s, and {ran - wanted:,.1f} s to connect and save"
    if manifest.outcome is not Outcome.SUCCEEDED or ran < wanted - _EARLY_SECONDS:
        return Check("stream", Status.FAIL, text, finding="stream-short")
    if ran > wanted + grace:
        text += f", {ran - wanted - grace:,.1f} s beyond its grace"
        return Check("stream", Status.FAIL, text, finding="stream-long")
    metrics = manifest.metrics
    for key, word in (("trades", "trades"), ("gaps", "gaps"), ("missing_trades", "missing")):
        if isinstance(metrics.get(key), int):
            text += f", {metrics[key]:,} {word}"
    return Check("stream", Status.OK, text)


def logs(case: Case) -> Check:
    """Every line arrived, the first to the last, no other did, and none tells of an error."""
    name, found, manifest = "logs", case.evidence.logs, case.evidence.manifest
    forged = _forged(found, manifest) if found is not None else None
    if forged is not None:
        return Check(name, Status.FAIL, forged, finding="log-disagrees")
    if found is None or found.numbered == 0:
        return _late(case, "no numbered line was found", "log-missing", started=case.started)
    expected = manifest.log_lines if manifest else found.last_seq
    lost = max(expected, found.last_seq) - found.numbered
    if lost:
        return _late(case, f"{lost} of {expected} lines are missing", "log-missing")
    if found.errors:
        return Check(name, Status.FAIL, found.errors[0])
    worked = manifest is None or manifest.outcome is not Outcome.SKIPPED
    events = case.workload.events if case.workload and worked else ()
    wanted = ("run.started", "run.finished", *events)
    absent = [event for event in dict.fromkeys(wanted) if event not in found.events]
    if absent:
        text = f"{found.numbered} lines, without {', '.join(absent)}"
        return _late(case, text, "event-missing")
    text = f"run.started … run.finished, {found.numbered} lines, none lost"
    return Check(name, Status.OK, text)


def _forged(found: LogDigest, manifest: Manifest | None) -> str | None:
    """What in the log the run did not write; None if nothing."""
    if found.others:
        return f"{found.others:,} lines are another run's"
    if found.invalid:
        return f"{found.invalid:,} lines have a number below 1"
    if found.conflicting:
        return f"{found.conflicting:,} numbers stand on two different lines"
    if manifest is not None and found.last_seq > manifest.log_lines:
        return f"line {found.last_seq:,} exists, the manifest counts {manifest.log_lines:,}"
    return None


def _late(case: Case, text: str, finding: str, *, started: bool = True) -> Check:
    """What a log lacks is lost only once the task has ended and its last lines had their time."""
    if case.expired:
        sealed = _sealed_lines(case)
        if sealed is not None:
            return sealed
        days = case.evidence.log_days
        kept = f"whose group keeps lines for {days} days" if days else "its group went with the app"
        text += f", {kept}"
        return Check("logs", Status.UNKNOWN, text, finding="log-expired")
    if case.settled and started:
        return Check("logs", Status.FAIL, text, finding=finding)
    return Check("logs", Status.UNKNOWN, text if case.owner is None else f"{text} so far")


def _sealed_lines(case: Case) -> Check | None:
    """The log as it was sealed, where the run passed then and the manifest counts its lines."""
    sealed, manifest = case.passed_when_sealed, case.evidence.manifest
    log = sealed.row.facts.get("log") if sealed is not None else None
    if sealed is None or manifest is None or not isinstance(log, Mapping):
        return None
    if log.get("lines") != manifest.log_lines:
        return None
    text = f"{manifest.log_lines} lines, none lost, by the seal: the log is no longer kept"
    return Check("logs", Status.OK, text)


def _lateness(case: Case) -> str:
    """How late the launch came, or who asked for it later; empty where that is not known."""
    sealed = case.evidence.seal_witness
    if case.launch is None and sealed is not None and sealed.row.state == State.MADE_GOOD:
        return f", made good {sealed.row.detail}"
    if case.owner is not None and MADE_GOOD_BY in (case.launch or {}):
        return f", made good {told(case.owner)}"
    created = (case.owner or case.tasks[0]).times.get("createdAt")
    if created is None or case.run_id.token is not None:
        return ""
    return f", {(parse_time(created) - case.due).total_seconds():.1f} s late"


def _exit(task: Task) -> str:
    return "no exit code" if task.exit_code is None else f"exit {task.exit_code}"


def _digest(image: str | None) -> str | None:
    """The digest in ``repository@sha256:…``.

    >>> _digest("repository@sha256:ab")
    'sha256:ab'
    """
    _, at, digest = (image or "").partition("@")
    return digest if at else None


def _number(value: object, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    return float(value)
