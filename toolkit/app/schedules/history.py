"""The history of deployments: one small object in the bucket after each that changes a schedule."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property

from toolkit.app.app import App
from toolkit.core.errors import ConfigError, ToolkitError
from toolkit.core.schedules import history
from toolkit.core.schedules.drift import Listed, suspects
from toolkit.core.schedules.history import History, Snapshot
from toolkit.core.schedules.timing import Pause
from toolkit.core.time_words import EPOCH
from toolkit.runtime.contract import format_time


def record(
    app: App, just_deployed: Collection[str] = (), pauses: Mapping[str, Pause] | None = None
) -> None:
    """Keep how the schedules stand now; a failure is told and fails nothing else.

    Schedules that were ``just_deployed`` stand as their stacks say and are not read once more.

    What was deployed stands either way, and the next record makes good for a missed one as far as
    the schedules have not changed again. ``pauses`` by schedule are those of files that are about
    to be written; those of the project's files are known.
    """
    try:
        present = Deployments(app, app.now(), sure=just_deployed).present
        known = {**_pauses(app), **(pauses or {})}
        app.archive.keep_deployment(history.with_pauses(present, known))
    except ToolkitError as error:
        app.console.say(f"the deployment was not recorded for the ledger: {error.message}")


def _pauses(app: App) -> dict[str, Pause]:
    """The pauses of the project's files, by schedule; none where they cannot be read."""
    try:
        schedules = app.project.schedules(app.config)
    except ConfigError:
        return {}
    return {name: each.pause for name, each in schedules.items() if each.pause}


def record_end(app: App, now: datetime) -> None:
    """Keep that no schedule is deployed from ``now`` on, so that no firing is expected after."""
    app.archive.keep_deployment(Snapshot(format_time(now), ()))


class Deployments:
    """When the schedules were to fire: as they are now, and as records in the bucket tell.

    What is live now is asked for once. With a ``schedule`` it is about that one alone. Schedules
    that are ``sure`` stand as their stacks say.
    """

    def __init__(
        self, app: App, now: datetime, schedule: str | None = None, *, sure: Collection[str] = ()
    ) -> None:
        self._app = app
        self._sure = frozenset(sure)
        self._deployed = app.stacks.schedules
        self._now = now
        self._schedule = schedule
        self._records: tuple[datetime, list[Snapshot]] | None = None
        self._history = History([])

    def since(self, time: datetime) -> History:
        """The timings of all schedules from ``time`` on, the present included."""
        if self._app.kept_bucket:
            return self._kept
        if self._records is None or time < self._records[0]:
            self._records = time, self._app.archive.deployments(time)
            self._history = History([*self._records[1], self.present])
        return self._history

    @cached_property
    def _kept(self) -> History:
        """All that the bucket of a deleted app tells; its last record is that of the deletion."""
        return History(self._app.archive.deployments(EPOCH))

    @property
    def names(self) -> list[str]:
        """The schedules that there are, and those that were deployed last."""
        if self._app.kept_bucket:
            return self._kept.names
        records = self._records[1][-1:] if self._records else []
        return sorted({row.name for shot in (*records, self.present) for row in shot.schedules})

    @cached_property
    def now(self) -> History:
        """The present timings alone, each since it was last changed; of a deleted app, all."""
        if self._app.kept_bucket:
            return self._kept
        return History([self.present])

    @cached_property
    def listed(self) -> dict[str, Listed]:
        """The schedules that exist, by name."""
        return {row.name: row for row in self._app.scheduler.listed(self._schedule)}

    @cached_property
    def present(self) -> Snapshot:
        """What is live: most of it by listing, whole only where the stack may not say it all."""
        deployed = self._deployed
        if self._schedule is not None:
            deployed = {n: row for n, row in deployed.items() if n == self._schedule}
        listed = self.listed
        doubtful = {*suspects(deployed, listed), *(set(listed) - set(deployed))} - self._sure
        live = self._app.scheduler.find_all(sorted(doubtful))
        changed = {name: row.changed_at for name, row in listed.items()}
        return history.snapshot(self._now, deployed, changed, live)
