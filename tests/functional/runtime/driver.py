"""``python -m toolkit.runtime``, but for a probe and with the grace of the test."""

import os
import sys

from tests.functional.runtime.harness import catalog
from toolkit.runtime.runtime import execute

if __name__ == "__main__":
    sys.exit(
        execute(
            os.environ,
            sys.stdout,
            catalog=catalog(os.environ["PROBE"]),
            grace=float(os.environ["GRACE"]),
        )
    )
