"""``python -m toolkit.runtime``: the entry point of the image.

Imports make many objects and no garbage, so the collector pauses until the work begins
(`runtime.runtime`), and does not go through all of them once more when the process ends.
"""

import gc
import sys

if __name__ == "__main__":
    gc.disable()
    from toolkit.runtime.runtime import main

    exit_code = main()
    gc.freeze()
    sys.exit(exit_code)
