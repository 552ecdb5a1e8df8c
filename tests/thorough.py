"""How often a test repeats what chance decides: all of it where nobody waits for it.

That is in CI (CI=true) and with ``make test SLOW=1``; else a quarter, drawn anew in each run.
"""

import os

THOROUGH = os.environ.get("CI") == "true" or bool(os.environ.get("SLOW"))
_SHARE, _LEAST = 4, 20


def examples(number: int) -> int:
    """How many of so many examples to take."""
    return number if THOROUGH else max(number // _SHARE, min(number, _LEAST))
