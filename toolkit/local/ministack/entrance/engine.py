"""The way back to the engine: what only the toolkit's own code can answer."""

import json
import os
import urllib.error
import urllib.request

_URL = os.environ.get("TOOLKIT_ENGINE_URL", "")
_TOKEN = os.environ.get("TOOLKIT_TOKEN", "")
_SECONDS = 5.0


def schedule_problem(expression: str, timezone: str) -> str | None:
    """Why Scheduler would refuse an expression in a time zone, or None."""
    body = json.dumps({"expression": expression, "timezone": timezone}).encode()
    request = urllib.request.Request(
        f"{_URL}/check-schedule", body, {"X-Toolkit-Token": _TOKEN}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:
        problem: str | None = json.load(response)["problem"]
        return problem
