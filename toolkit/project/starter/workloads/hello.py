"""Greet somebody: a first workload, to be replaced by your own."""

from collections.abc import Mapping

from toolkit.runtime import Gate, Json, Result, Run


def run(settings: Mapping[str, Json], run: Run) -> Result:
    """Write the greeting of the day."""
    text = f"Hello, {settings['name']}! This is {run.scheduled_time:%A, %d %B %Y}.\n"
    run.event("greeting.written", characters=len(text))
    run.save("greeting.txt", text.encode(), media_type="text/plain")
    # A gate is a condition that a good run meets; one that does not fails the run.
    return Result({"characters": len(text)}, (Gate("characters", len(text), ">=", 20),))
