"""What the seals say of runs, for their verdicts."""

from collections.abc import Iterable
from datetime import date, datetime

from toolkit.app.app import App
from toolkit.core.proof.seal import Sealed
from toolkit.core.proof.seal_chain import SealedDay, sealed_by, verify_chain
from toolkit.runtime.contract import RunId
from toolkit.runtime.layout import seals_by_day


class SealedRuns:
    """The seals of runs; those of a day are read when one of its runs is asked for first."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._days: dict[date, SealedDay] = {}

    def read(self, run_ids: Iterable[RunId], now: datetime) -> None:
        """Read the seals of the days of some runs, as far as they may be sealed by now."""
        due = {run_id.scheduled_time.date() for run_id in run_ids if run_id.token is None}
        days = {day for day in due - self._days.keys() if sealed_by(day) <= now}
        if not days:
            return
        listed = self._app.seals.listed(min(days), max(days))
        by_day = seals_by_day(stored.key for stored in listed)
        keys = [key for day, own in by_day.items() if day in days for key in own]
        chain = verify_chain(self._app.seals.raw(keys), self._app.seals.bucket, whole=False)
        self._days |= {day: chain.days.get(day, SealedDay(())) for day in days}

    def of(self, run_id: RunId) -> Sealed | None:
        """What the last seal that tells of a run says."""
        day = self._days.get(run_id.scheduled_time.date())
        seal = day.seal_of(str(run_id)) if day else None
        row = seal.row(str(run_id)) if seal else None
        return Sealed(seal.key, seal.sealed_at, seal.bucket, row) if seal and row else None
