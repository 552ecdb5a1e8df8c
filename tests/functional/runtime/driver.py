"""``python -m toolkit.runtime``, but for a probe and with the grace of the test."""

import json
import os
import sys

from tests.functional.runtime.harness import catalog, command_catalog
from toolkit.runtime.runtime import main

if __name__ == "__main__":
    chosen = (
        command_catalog(json.loads(os.environ["COMMAND"]))
        if "COMMAND" in os.environ
        else catalog(os.environ["PROBE"])
    )
    sys.exit(main(catalog=chosen, grace=float(os.environ["GRACE"])))
