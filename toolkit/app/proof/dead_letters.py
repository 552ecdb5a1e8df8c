"""The launches that were given up: those in the queue, and those that were read there before.

SQS keeps a message for fourteen days at most. Whoever reads a letter therefore leaves it in the
bucket, so that a ledger of last month says what the ledger said last month.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from toolkit.app.app import App
from toolkit.core.errors import ToolkitError
from toolkit.core.proof.dead_letter import DeadLetter

# A letter that is in the queue now was kept within this time, or never.
_QUEUED = timedelta(days=15)


def read(app: App, since: datetime) -> list[DeadLetter]:
    """Every dead letter of launches since a time that was ever read, and all that are queued.

    New ones are kept; where that is not allowed it is told, and the reading goes on.
    """
    now = app.now()
    # A letter is read, and so kept, after the launch that it is about.
    kept = app.archive.dead_letters(min(since, now - _QUEUED))
    known = {letter.message_id for letter in kept}
    fresh = [letter for letter in queued(app) if letter.message_id not in known]
    if fresh:
        try:
            app.archive.keep_dead_letters(fresh, now)
        except ToolkitError as error:
            app.console.say(
                f"new dead letters were not kept and are gone after 14 days: {error.message}"
            )
    return [*kept, *fresh]


def queued(app: App) -> list[DeadLetter]:
    """The dead letters that are in the queue now; a deleted app has no queue."""
    if app.kept_bucket:
        return []
    return app.dead_letter_queue.letters()


def empty(app: App, letters: Iterable[DeadLetter]) -> int:
    """Take these letters out of the queue, once they are all in the bucket."""
    now = app.now()
    known = {letter.message_id for letter in app.archive.dead_letters(now - _QUEUED)}
    rows = list(letters)
    fresh = [letter for letter in rows if letter.message_id not in known]
    if fresh:
        app.archive.keep_dead_letters(fresh, now)
    return app.dead_letter_queue.remove({letter.message_id for letter in rows})
