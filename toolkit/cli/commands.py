"""The commands, in the order of the help: where each one is, and its one line of help.

The lines stand here too so that `toolkit --help` imports no command: that would load boto3
and half of the toolkit. A test compares them with the commands' own.
"""

from typing import NamedTuple


class CommandEntry(NamedTuple):
    """A command's module below `toolkit.cli`, and the first sentence of its help."""

    module: str
    summary: str


COMMANDS = {
    "add": CommandEntry("project.add", "Add a workload: table, module, schedule and test."),
    "cost": CommandEntry(
        "proof.cost",
        "Show what runs cost, or what the next 30 days of schedules will.",
    ),
    "dead-letters": CommandEntry(
        "proof.dead_letters",
        "List the launches that failed and are still in the queue.",
    ),
    "delete": CommandEntry(
        "deploying.delete",
        "Delete the app's stacks: schedules, workloads, platform.",
    ),
    "deploy": CommandEntry(
        "deploying.deploy",
        "Deploy the platform, the image, the workloads and the schedules.",
    ),
    "diagnose": CommandEntry("proof.diagnose", "Say why a task stopped, from what AWS said."),
    "doctor": CommandEntry("deploying.doctor", "Check everything a run needs before it fires."),
    "evidence": CommandEntry("proof.evidence", "Keep the evidence of runs in a folder each."),
    "image": CommandEntry(
        "deploying.image",
        "Build, push, list and scan the image that all workloads share.",
    ),
    "init": CommandEntry("project.init", "Make a project that deploys."),
    "ledger": CommandEntry("proof.ledger", "Show what became of every expected firing."),
    "local": CommandEntry("local", "Control the embedded AWS: start, stop, time, faults."),
    "logs": CommandEntry("proof.logs", "Print the log of a run."),
    "next": CommandEntry("schedules.next", "Print the next firings of an expression."),
    "package": CommandEntry(
        "deploying.package",
        "Write a release into the app's bucket and print its id.",
    ),
    "run": CommandEntry(
        "schedules.run",
        "Run a schedule or a workload now, as its schedule would.",
    ),
    "runs": CommandEntry("proof.runs", "List runs, scheduled and on demand, the latest first."),
    "schedule": CommandEntry("schedules.schedule", "Show, set or remove a schedule."),
    "schedules": CommandEntry(
        "schedules.schedules",
        "List the schedules: state, words, next firing, last outcome.",
    ),
    "status": CommandEntry(
        "proof.status",
        "Show what runs now, each schedule's last run and next firing.",
    ),
    "validate": CommandEntry("proof.validate", "Judge runs by their evidence."),
    "workloads": CommandEntry(
        "project.workloads", "List what can run, with settings and defaults."
    ),
}
