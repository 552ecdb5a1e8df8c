"""``python -m toolkit.local ROOT EMULATOR_PYTHON REGION``: the engine, as a daemon of its own."""

import logging
import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Leave the caller behind, then serve until told to stop."""
    root, python, region = sys.argv[1:]
    if os.fork():
        os._exit(0)
    os.setsid()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")

    from toolkit.core.errors import ToolkitError
    from toolkit.local.agent import orphans
    from toolkit.local.engine import Engine

    orphans.adopt()
    engine = Engine(Path(root), Path(python), region)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: engine.stop())
    try:
        engine.run()
    except BlockingIOError:
        logging.getLogger("toolkit.local").info("another engine serves this project")
    except ToolkitError as error:
        logging.getLogger("toolkit.local").error("%s", error)  # noqa: TRY400 - known by its words
    logging.shutdown()
    os._exit(0)  # threads that wait for the network need not be waited for


if __name__ == "__main__":
    main()
