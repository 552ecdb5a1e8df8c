"""The launches that were given up: those in the queue, and those that were read there before.

SQS keeps a message for fourteen days at most. Whoever reads a letter therefore leaves it in the
bucket, so that a ledger of last month says what the ledger said last month.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from toolkit.adapters.s3 import Bucket
from toolkit.app.app import App
from toolkit.core.errors import ToolkitError
from toolkit.core.proof import dead_letter
from toolkit.core.proof.dead_letter import PREFIX, DeadLetter
from toolkit.core.times import dated_key

# A letter that is in the queue now was kept within this time, or never.
_QUEUED = timedelta(days=15)


def read(app: App, since: datetime) -> list[DeadLetter]:
    """Every dead letter of launches since a time that was ever read, and all that are queued.

    New ones are kept; where that is not allowed it is told, and the reading goes on.
    """
    now = app.now()
    kept = _kept(app.bucket, min(since, now - _QUEUED))
    queued = app.dead_letter_queue.letters()
    known = {letter.message_id for letter in kept}
    fresh = [letter for letter in queued if letter.message_id not in known]
    if fresh:
        _keep(app, fresh, now)
    return [*kept, *fresh]


def queued(app: App) -> list[DeadLetter]:
    """The dead letters that are in the queue now."""
    return app.dead_letter_queue.letters()


def empty(app: App, letters: Iterable[DeadLetter]) -> int:
    """Take these letters out of the queue, once they are all in the bucket."""
    now = app.now()
    known = {letter.message_id for letter in _kept(app.bucket, now - _QUEUED)}
    rows = list(letters)
    fresh = [letter for letter in rows if letter.message_id not in known]
    if fresh:
        app.bucket.write(dated_key(PREFIX, now), dead_letter.to_json(fresh), "application/json")
    return app.dead_letter_queue.remove({letter.message_id for letter in rows})


def _kept(bucket: Bucket, since: datetime) -> list[DeadLetter]:
    """What readings since then have kept: a letter is read after the launch that it tells of."""
    after = dated_key(PREFIX, since)
    contents = bucket.read_all(bucket.keys(PREFIX, after=after))
    return [letter for key in sorted(contents) for letter in dead_letter.from_json(contents[key])]


def _keep(app: App, letters: Iterable[DeadLetter], now: datetime) -> None:
    try:
        app.bucket.write(dated_key(PREFIX, now), dead_letter.to_json(letters), "application/json")
    except ToolkitError as error:
        app.console.say(
            f"new dead letters were not kept and are gone after 14 days: {error.message}"
        )
