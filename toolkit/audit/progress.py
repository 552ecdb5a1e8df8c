"""Where the audits before ended, by the manifests that they committed."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import frozen

from toolkit.app.app import App
from toolkit.core.errors import EvidenceError
from toolkit.core.names import AUDIT
from toolkit.runtime.contract import ContractError, Outcome, parse_time

# The metrics of an audit that tell it.
SETTLED, AMENDED = "settled_until", "amended_until"
# What the first audit looks back at.
FIRST = timedelta(days=1)
# An audit that was stopped tells nothing; so many are asked for what one before it told.
_ASKED = 5


@frozen
class Progress:
    """Up to when nothing was open, and from when on sealed days are to be looked at again.

    ``amended`` is None where that is done.
    """

    since: datetime
    amended: datetime | None = None


def read(app: App, now: datetime, longest: timedelta) -> Progress:
    """How far the audits before came; a day ago where there was none.

    What was open counts from the last audit that went well; where none of the latest can be read,
    from ``longest`` ago. Sealing goes on from the last one that tells of it, however it ended.
    """
    commits = list(app.archive.commits(AUDIT, now - longest))
    known: dict[int, Mapping[str, object]] = {}

    def metrics(number: int) -> Mapping[str, object]:
        if number not in known:
            known[number] = {}
            try:
                if manifest := app.archive.manifest(commits[number]):
                    known[number] = manifest.metrics
            except EvidenceError as error:
                app.console.say(f"an audit before is left out: {error.message}")
        return known[number]

    good = [n for n, commit in enumerate(commits) if commit.outcome is Outcome.SUCCEEDED]
    settled = (_time(metrics(number).get(SETTLED)) for number in reversed(good[-_ASKED:]))
    latest = next((time for time in settled if time is not None), None)
    since = now - (longest if good else FIRST)
    if latest is not None:
        since = max(min(latest, now), now - longest)
    lately = range(len(commits))[-_ASKED:]
    told = (metrics(number).get(AMENDED) for number in reversed(lately))
    return Progress(since, _time(next((text for text in told if text is not None), None)))


def _time(text: object) -> datetime | None:
    try:
        return parse_time(text) if isinstance(text, str) and text else None
    except ContractError:
        return None
