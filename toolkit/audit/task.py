"""The audit as a workload: the app as its task definition tells it, and one audit of it.

AUDIT_APP, AUDIT_PLATFORM (the platform's outputs as JSON), AUDIT_FLAGS and AUDIT_SIGNING_KEY stand
in the task definition (templates/audit.yaml), so that the task needs no right to read stacks.
"""

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from toolkit.adapters.aws.kms import SigningKey
from toolkit.adapters.aws.session import Aws, Endpoint
from toolkit.app.app import App, Quiet
from toolkit.audit.audit import AuditOptions, audit
from toolkit.audit.progress import AMENDED, SETTLED
from toolkit.core.platform import Platform
from toolkit.runtime.contract import ContractError, Gate, Json, Result, Run, format_time

APP, PLATFORM, FLAGS = "AUDIT_APP", "AUDIT_PLATFORM", "AUDIT_FLAGS"
SIGNING_KEY = "AUDIT_SIGNING_KEY"


def run(_settings: Mapping[str, Json], run: Run) -> Result:
    """Audit the app that this task belongs to."""
    app = opened(os.environ, run)
    flags, key = os.environ.get(FLAGS, ""), os.environ.get(SIGNING_KEY, "")
    signer = SigningKey(app.aws, key) if key else None
    found = audit(app, AuditOptions(flags=flags, beats=True, signer=signer))
    run.save("audit.json", json.dumps(found.to_json(), indent=1).encode(), media_type=_JSON)
    for change in found.changes:
        run.event("change.told", id=change.id)
    for problem in found.problems:
        run.event("audit.hindered", problem=problem)
    run.event("audit.finished", firings=len(found.seen), changes=len(found.changes))
    metrics = {
        SETTLED: format_time(found.settled_until),
        AMENDED: format_time(found.amended_until) if found.amended_until else "",
        "firings": len(found.seen),
        "changes": len(found.changes),
        "resent": len(found.resent),
    }
    return Result(metrics, (Gate("problems", float(len(found.problems)), "<=", 0.0),))


def opened(environment: Mapping[str, str], run: Run) -> App:
    """The app, by the variables of the task definition; ContractError where one is not usable."""
    try:
        name, outputs = environment[APP], json.loads(environment[PLATFORM])
    except (KeyError, ValueError) as error:
        raise ContractError(f"{APP} and {PLATFORM} are not what the template sets") from error
    if not isinstance(outputs, dict):
        raise ContractError(f"{PLATFORM} is no JSON object")
    platform = Platform(name, {str(key): str(value) for key, value in outputs.items()})
    console = Quiet(lambda text: run.event("audit.said", text=text))
    return App.of_platform(name, platform, Aws(Endpoint()), console, _now)


def _now() -> datetime:
    # As the runtime tells the time: in a container of the embedded AWS, it alone is virtual.
    return datetime.fromtimestamp(time.time(), UTC)


_JSON = "application/json"
