"""The pages of single firings: from manifests, witnesses and kept causes; a few are reports."""

import tempfile
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from attrs import evolve

from toolkit.adapters.project.staged_folder import StagedFolder
from toolkit.app.app import App
from toolkit.app.proof import causes
from toolkit.app.proof.evidence import Gatherer, download
from toolkit.core.pages.report import report
from toolkit.core.pages.site.firing import FiringFacts, firing
from toolkit.core.pages.site.index import About
from toolkit.core.pages.site.places import below_schedule, run_path
from toolkit.core.pages.site.record import SiteRow
from toolkit.core.proof.evidence import Evidence
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.proof.verdict import judge
from toolkit.runtime.contract import Manifest, RunId, parse_time

# Nothing of these has run, or has come to its end.
_WITHOUT_RUN = frozenset({State.MISSED, State.DEAD_LETTERED, State.PAUSED, State.LATE})
_UNFINISHED = frozenset({State.RUNNING, State.SETTLING, State.NOT_YET_DUE})
_LONGEST_LOG = 2000  # lines; a longer log is left to `toolkit logs`
_PLOT_BYTES = 512 * 1024
_Kind = tuple[str, bool]


class SitePages:
    """Writes the pages of firings, and remembers which of them deserve a full report."""

    def __init__(self, app: App, folder: StagedFolder, about: About, reports: int) -> None:
        self._app = app
        self._folder = folder
        self._about = about
        # By schedule, runs on demand apart from firings.
        self._latest: defaultdict[_Kind, deque[Firing]] = defaultdict(lambda: deque(maxlen=reports))
        self._bad: defaultdict[_Kind, deque[Firing]] = defaultdict(lambda: deque(maxlen=reports))
        self.pages = 0
        self.reports = 0

    def write(self, rows: Iterable[SiteRow]) -> Iterator[SiteRow]:
        """Write the pages of those firings that have one; all come back, with what was read."""
        every = list(rows)
        facts = self._facts([row for row in every if row.paged])
        for row in every:
            known = facts.get(row.firing.run_id)
            if known is not None:
                self._folder.write(run_path(row.firing.run_id), firing(self._about, known))
                self.pages += 1
                self._note(row)
            yield row if known is None else known.row

    def _facts(self, rows: Sequence[SiteRow]) -> dict[RunId, FiringFacts]:
        ran = [row.firing.run_id for row in rows if row.firing.state not in _WITHOUT_RUN]
        missed = [row.firing.run_id for row in rows if row.firing.state is State.MISSED]
        read = self._app.archive.manifests(ran) if ran else None
        known = causes.kept(self._app, missed) if missed else None
        found = {}
        for row in rows:
            run_id = row.firing.run_id
            manifests = tuple(read.manifests.get(run_id, ())) if read else ()
            found[run_id] = FiringFacts(
                evolve(row, error=_error(manifests)),
                manifests,
                tuple(read.problems.get(run_id, ())) if read else (),
                known.found.get(run_id) if known else None,
                self._commands(row),
            )
        return found

    def _note(self, row: SiteRow) -> None:
        state, run_id = row.firing.state, row.firing.run_id
        kind = run_id.schedule, run_id.token is not None
        if state not in _WITHOUT_RUN and state not in _UNFINISHED:
            (self._bad if state.bad else self._latest)[kind].append(row.firing)

    def _commands(self, row: SiteRow) -> Mapping[str, str]:
        """What a person may type to see more, by what it does."""
        state, run_id = row.firing.state, row.firing.run_id
        if state is State.PAUSED:
            return {}
        time = f"{run_id.scheduled_time:%Y-%m-%dT%H:%M:%SZ}"
        if state is State.MISSED and not self._app.kept_bucket:
            again = f"run {run_id.schedule} --for {time} --why TEXT"
            why = {"Why it was missed": f"ledger --why --since {time} --schedule {run_id.schedule}"}
            told = {**({} if self._app.local else why), "Run it now": again}
            return {name: self._typed(words) for name, words in told.items()}
        commands = {"Judge it": f"validate {run_id}"}
        if state not in _WITHOUT_RUN:
            if not self._app.kept_bucket:
                commands["Read its log"] = f"logs {run_id}"
            commands["Keep its evidence"] = f"evidence {run_id}"
        return {name: self._typed(words) for name, words in commands.items()}

    def _typed(self, words: str) -> str:
        bucket = f" --bucket {self._app.kept_bucket}" if self._app.kept_bucket else ""
        return self._app.command(words + bucket)

    def write_reports(self) -> None:
        """Judge the runs that were chosen, and write a full report in the place of each page."""
        chosen = [*chain(*self._latest.values(), *self._bad.values())]
        if not chosen:
            return
        self._app.console.say(f"judging {len(chosen):,} runs for their full reports")
        gatherer = Gatherer(self._app)
        gathered = gatherer.gather_all([each.run_id for each in chosen])
        for each in chosen:
            run_id, evidence = each.run_id, gathered[each.run_id]
            verdict = judge(evidence, parse_time(evidence.gathered_at))
            lines = self._lines(gatherer, run_id, evidence)
            place = below_schedule(self._about.app, run_id.schedule, each.state)
            place = evolve(place, again=self._typed(f"validate {run_id}"))
            shown = verdict.with_hint(self._app.place_hint)
            page = report(evidence, shown, lines, self._plots(evidence), place)
            self._folder.write(run_path(run_id), page)
            self.reports += 1

    def _lines(
        self, gatherer: Gatherer, run_id: RunId, evidence: Evidence
    ) -> list[tuple[int, str]] | None:
        if evidence.logs is not None and evidence.logs.lines > _LONGEST_LOG:
            return None
        lines = gatherer.lines(run_id, evidence) or []
        return [(line.timestamp, line.message) for line in lines]

    def _plots(self, evidence: Evidence) -> dict[str, bytes]:
        manifest = evidence.manifest
        wanted = [
            artifact
            for artifact in (manifest.artifacts if manifest else ())
            if artifact.media_type == "image/png" and artifact.bytes <= _PLOT_BYTES
        ]
        with tempfile.TemporaryDirectory() as directory:
            found = download(self._app.archive, evidence, wanted, Path(directory))
            return {artifact.name: path.read_bytes() for artifact, path in found}


def _error(manifests: Sequence[Manifest]) -> str:
    """What a run said of its failure."""
    errors = (manifest.error for manifest in manifests if manifest.error)
    return next((str(error.get("message") or error.get("type") or "") for error in errors), "")
