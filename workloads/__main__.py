"""``python -m workloads``: the entry point of the image."""

import sys

from workloads.runtime import main

if __name__ == "__main__":
    sys.exit(main())
