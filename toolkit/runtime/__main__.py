"""``python -m toolkit.runtime``: the entry point of the image."""

import sys

from toolkit.runtime.runtime import main

if __name__ == "__main__":
    sys.exit(main())
