"""One audit: keep what AWS forgets, tell what changed, say that somebody looked, and seal."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from attrs import asdict, define, evolve, field, frozen

from toolkit.app.app import App
from toolkit.app.proof import dead_letters
from toolkit.app.proof.seal_writer import SealingLimits, Signer
from toolkit.app.proof.seals import seal_due_days
from toolkit.app.proof.tasks import ends
from toolkit.audit import progress
from toolkit.audit.look import LONGEST, look, with_causes
from toolkit.audit.outbox import Outbox
from toolkit.audit.progress import AMENDED, SETTLED
from toolkit.core.changes.change import Change, Told
from toolkit.core.changes.decision import Seen, changes, open_troubles, settled_until
from toolkit.core.errors import ToolkitError
from toolkit.core.proof.evidence import run_of
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId, format_time, parse_time
from toolkit.runtime.documents import FORMAT

# ECS forgets a stopped task after an hour. A record arrives within seconds, or is late.
_REMEMBERED, _RECORDED = timedelta(hours=2), timedelta(minutes=5)
_QUEUED = timedelta(days=15)
# Of the 13 minutes that the task has; the next audit goes on where this one ends.
_SEALING = timedelta(minutes=8)


@frozen
class AuditOptions:
    """How to look: since when (the last audit), whether to write anything, and the flags of mails.

    ``beats`` says that this is the scheduled audit: its heartbeat keeps the alarm silent. ``seals``
    says whether days are sealed, and ``signer`` signs each seal; None leaves them unsigned.
    """

    since: datetime | None = None
    dry_run: bool = False
    flags: str = ""
    beats: bool = False
    seals: bool = True
    signer: Signer | None = None


@define
class Audit:
    """An audit under way, and at its end what it found.

    ``amended_until`` is from when on sealed days are to be looked at again; None where that is
    done. ``noticed`` are all changes that this audit saw, ``changes`` those of them that it sent,
    or with ``dry_run`` would; ``resent`` those that an audit before left behind. ``enabled`` are
    the schedules that are to fire, None where that could not be read. ``problems`` says what could
    not be looked at or sent.
    """

    app: App
    options: AuditOptions
    now: datetime
    since: datetime
    settled_until: datetime
    amended_until: datetime | None = None
    told: list[Told] = field(factory=list)
    seen: list[Seen] = field(factory=list)
    noticed: list[Change] = field(factory=list)
    changes: list[Change] = field(factory=list)
    resent: list[Change] = field(factory=list)
    enabled: frozenset[str] | None = None
    witnesses: list[RunId] = field(factory=list)
    problems: list[str] = field(factory=list)

    @property
    def troubles(self) -> dict[str, RunId]:
        """The schedules that are in trouble after this audit, and since which firing.

        What a deployment has removed or disabled since then is not among them.
        """
        # Of several audits at once each sees a change, and one of them sends it.
        told = [Told(row.run_id, row.number, row.state, self.now) for row in self.noticed]
        found = open_troubles([*self.told, *told])
        if self.enabled is None:
            return found
        return {name: run_id for name, run_id in found.items() if name in self.enabled}

    def to_json(self) -> dict[str, Any]:
        """The audit as a JSON object."""
        return {
            FORMAT: "audit/1",
            "now": format_time(self.now),
            "since": format_time(self.since),
            SETTLED: format_time(self.settled_until),
            AMENDED: format_time(self.amended_until) if self.amended_until else None,
            "firings": len(self.seen),
            "changes": [{"id": row.id, **asdict(row)} for row in self.changes],
            "resent": [row.id for row in self.resent],
            "witnesses": [str(run_id) for run_id in self.witnesses],
            "troubles": {name: str(run_id) for name, run_id in self.troubles.items()},
            "problems": self.problems,
        }


Step = Callable[[Audit], None]


def audit(app: App, options: AuditOptions) -> Audit:
    """Look once, step by step; a step that fails is a problem, and the next ones go on."""
    now = app.now()
    before = progress.read(app, now, LONGEST)
    since = options.since or before.since
    found = Audit(app, options, now, since, settled_until=since, amended_until=before.amended)
    for step in STEPS:
        try:
            step(found)
        except ToolkitError as error:
            found.problems.append(f"{step.__name__}: {error.message}")
    return found


def witness(audit: Audit) -> None:
    """Keep what ECS says of stopped tasks whose record has not arrived."""
    app, now = audit.app, audit.now
    stopped = [task for task in app.ecs.describe(app.ecs.stopped()) if _is_overdue(task, now)]
    if not stopped:
        return
    recorded = {task.task_arn for task in ends(app, now - _REMEMBERED, now)}
    for task in sorted(stopped, key=lambda task: task.exit_code != 0):
        run_id = run_of(task)
        if run_id is None or task.task_arn in recorded or audit.options.dry_run:
            continue
        if app.kept_tasks.keep(run_id, evolve(task, environment={})):
            audit.witnesses.append(run_id)


def _is_overdue(task: Task, now: datetime) -> bool:
    stopped = task.times.get("stoppedAt")
    return task.stopped and bool(stopped) and now - parse_time(str(stopped)) > _RECORDED


def letters(audit: Audit) -> None:
    """Keep the dead letters in the bucket, before SQS forgets them."""
    if not audit.options.dry_run:
        dead_letters.read(audit.app, audit.now - _QUEUED)


def news(audit: Audit) -> None:
    """Send what an audit before left behind, look, and send what changed."""
    app, now = audit.app, audit.now
    outbox = Outbox(app.archive, app.notices, audit.options.flags)
    # Before the firings are read: what another audit tells meanwhile is then already taken.
    audit.told = outbox.told()
    if not audit.options.dry_run:
        audit.resent = outbox.resend(audit.told, now)
    sight = look(app, audit.told, audit.since, now)
    audit.seen, audit.enabled = sight.seen, sight.enabled
    found = with_causes(app, changes(app.name, audit.told, audit.seen, now), now)
    audit.noticed = found
    audit.changes = found if audit.options.dry_run else outbox.publish(found, now)
    audit.settled_until = settled_until(audit.seen, now)
    audit.problems += outbox.problems


def heartbeat(audit: Audit) -> None:
    """Say that an audit looked at everything, so that the alarm stays silent."""
    if audit.options.beats and not audit.problems:
        audit.app.notices.beat()


def seal(audit: Audit) -> None:
    """Seal the days that are final; last, so that nothing of it keeps a mail from going out."""
    options, app = audit.options, audit.app
    if options.seals and not options.dry_run:
        limits = SealingLimits(audit.now + _SEALING)
        amended = audit.amended_until
        written = seal_due_days(app, audit.now, options.signer, limits, amended)
        audit.amended_until = written.amended


STEPS: tuple[Step, ...] = (witness, letters, news, heartbeat, seal)
