"""The words of a change: the subject and the text of its mail.

SNS takes a subject of up to 100 ASCII characters without line breaks:
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from datetime import datetime, timedelta

from toolkit.core.changes.change import Change, ScheduleState
from toolkit.runtime.contract import parse_time
from toolkit.runtime.documents import printable

_LONGEST = 99
_WORD = {
    ScheduleState.WELL: "well again",
    ScheduleState.LATE: "late",
    ScheduleState.MISSED: "missed",
    ScheduleState.FAILED: "failed",
    ScheduleState.UNWITNESSED: "unwitnessed",
    ScheduleState.EXPIRED: "ended",
    ScheduleState.REPORTED: "failed",
}
_OPENING = {
    ScheduleState.WELL: "{schedule} is well again: its run of {time} succeeded.",
    ScheduleState.LATE: "{schedule} is late: its run of {time} has not started yet.",
    ScheduleState.MISSED: "{schedule} missed its run of {time}: nothing was started.",
    ScheduleState.FAILED: "{schedule} failed: its run of {time} ended without a good result.",
    ScheduleState.UNWITNESSED: (
        "{schedule} has no witness: its run of {time} says that it succeeded, and AWS has no "
        "record of its task."
    ),
    ScheduleState.EXPIRED: (
        "{schedule} has ended, as it was deployed: it fires no more since {time}."
    ),
    ScheduleState.REPORTED: "{schedule} failed: AWS sent a mail about its run of {time}.",
}
_BEFORE = {
    ScheduleState.WELL: "Until now it was well.",
    ScheduleState.LATE: "Until now it was late.",
    ScheduleState.MISSED: "Until now it missed its runs.",
    ScheduleState.FAILED: "Until now it failed.",
    ScheduleState.UNWITNESSED: "Until now its runs had no witness.",
    ScheduleState.EXPIRED: "Until now it had ended.",
    ScheduleState.REPORTED: "Until now it failed, as mails of AWS have said.",
}


def subject(change: Change) -> str:
    """The subject of the mail."""
    time = _minute(parse_time(change.scheduled_time))
    text = f"{change.app}: {change.schedule} {_WORD[change.state]} {time}"
    return _line(text).encode("ascii", "replace").decode()[:_LONGEST]


def body(change: Change, flags: str = "") -> str:
    """The plain text of the mail; ``flags`` follow every command (`` --config-env prod``)."""
    time = parse_time(change.scheduled_time)
    opening = _OPENING[change.state].format(schedule=change.schedule, time=_minute(time))
    facts = {
        "App": change.app,
        "Schedule": change.schedule,
        "Noticed": _minute(parse_time(change.noticed_at)),
        "Seen": change.detail,
        "Cause": change.cause,
    }
    lines = [opening, _BEFORE[change.before], ""]
    lines += [f"{name + ':':<10}{_line(text)}" for name, text in facts.items() if text]
    lines += ["", "Next:", *(f"  {command}{flags}" for command in _commands(change, time)), ""]
    lines += _outlook(change)
    lines.append(f"Change {change.id} (a repeated message has the same id)")
    return "\n".join(lines) + "\n"


def _outlook(change: Change) -> list[str]:
    """Whether another message comes."""
    name = change.schedule
    if change.state is ScheduleState.EXPIRED:
        return [f"No more messages come about {name}, unless it is deployed to fire again."]
    if change.state.bad:
        return [f"One more message comes when {name} is well again."]
    return []


def _commands(change: Change, time: datetime) -> list[str]:
    since = f"{time - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    ledger = f"toolkit ledger --schedule {change.schedule} --since {since}"
    if change.state is ScheduleState.EXPIRED:
        show = f"toolkit schedule {change.schedule}"
        return [show, f"{show} --unset end"] if change.detail.startswith("its end") else [show]
    if change.state is ScheduleState.LATE:
        return [ledger, "toolkit schedules diff", "toolkit doctor"]
    if change.state is ScheduleState.MISSED:
        # A schedule that was changed by hand owes nothing since: nothing can be run for it before
        # it is set back.
        cause = ["toolkit schedules apply --overwrite"] if change.cause else ["toolkit doctor"]
        again = f"toolkit run {change.schedule} --for {time:%Y-%m-%dT%H:%M:%SZ} --why TEXT"
        return [f"{ledger} --why", "toolkit schedules diff", *cause, again]
    return [f"toolkit validate {change.run_id}", ledger]


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _line(text: str) -> str:
    return " ".join(printable(text).split())
