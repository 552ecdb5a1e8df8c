"""The commands: where each one is, its one line of help, and the sections of the help.

The lines stand here too so that `toolkit --help` imports no command: that would load boto3
and half of the toolkit. A test compares them with the commands' own.
"""

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import click


class CommandEntry(NamedTuple):
    """A command's module below `toolkit.cli`, and the first sentence of its help."""

    module: str
    summary: str


COMMANDS = {
    "add": CommandEntry("project.add", "Add a workload: table, code, schedule and test."),
    "adopt": CommandEntry(
        "project.adopt", "Show ECS schedules that others made, and files for them."
    ),
    "audit": CommandEntry(
        "proof.audit",
        "Look at all runs since the last audit, and send what changed.",
    ),
    "completion": CommandEntry("completion", "Print what completes commands in your shell."),
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
        "Build, push, list, prune and scan the shared image.",
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
    "pause": CommandEntry("schedules.pause", "Let schedules not fire until a time."),
    "prune": CommandEntry("deploying.prune", "Delete what the project does not have any more."),
    "resume": CommandEntry("schedules.resume", "Let paused schedules fire again now."),
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
    "site": CommandEntry("proof.site", "Write a static site of a year of runs."),
    "status": CommandEntry(
        "proof.status",
        "Show what runs now, each schedule's last run and next firing.",
    ),
    "stop": CommandEntry("schedules.stop", "Stop a run, with a reason that its verdict shows."),
    "validate": CommandEntry("proof.validate", "Judge runs by their evidence."),
    "verify": CommandEntry("proof.verify", "Check the seals: chain, signatures and objects."),
    "workloads": CommandEntry(
        "project.workloads", "List what can run, with settings and defaults."
    ),
}


# The folders of `toolkit.cli`, as the help lists their commands; "" is all that lies beside them.
SECTIONS = {
    "project.": "Project",
    "deploying.": "Deploying",
    "schedules.": "Schedules",
    "proof.": "Runs and their proof",
    "": "This machine",
}


def sections() -> dict[str, list[str]]:
    """The commands of each section of the help."""
    found: dict[str, list[str]] = {title: [] for title in SECTIONS.values()}
    for name, entry in COMMANDS.items():
        folder = next(folder for folder in SECTIONS if entry.module.startswith(folder))
        found[SECTIONS[folder]].append(name)
    return found


# Commands that read a deleted app from its bucket.
OF_KEPT_BUCKETS = frozenset({"evidence", "ledger", "runs", "site", "status", "validate", "verify"})
# Commands that take none of the options that say where: what they print needs no such flags.
UNPLACED = frozenset({"add", "completion", "diagnose", "init", "local", "next", "workloads"})


def load(name: str) -> "click.Command":
    """Import a command."""
    module = importlib.import_module(f"toolkit.cli.{COMMANDS[name].module}")
    command: click.Command = getattr(module, name.replace("-", "_") + "_command")
    return command
