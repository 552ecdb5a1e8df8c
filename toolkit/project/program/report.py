#!/usr/bin/env python3
"""The workload report: replace this by your own program.

Its settings are variables, what it writes becomes log events, and what it leaves in $ARTIFACTS is
saved. An exit code other than 0 fails the run.
"""

import json
import os
from pathlib import Path

artifacts = Path(os.environ["ARTIFACTS"])
text = f"Hello, {os.environ['NAME']}! This is the run of {os.environ['SCHEDULED_TIME']}.\n"
print("run", os.environ["RUN_ID"], "greets", os.environ["NAME"])
(artifacts / "greeting.txt").write_text(text, "utf-8")

# A gate is a condition that a good run meets; one that does not fails the run.
gate = {"name": "characters", "value": len(text), "op": ">=", "limit": 20}
(artifacts / "gates.json").write_text(json.dumps([gate]), "utf-8")
