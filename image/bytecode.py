"""Compiles the modules that a run loads, and only those.

``python rehearse.py | python bytecode.py STAGE`` writes byte code below STAGE, in the tree that it
has in the image, for every source that has none yet. The standard library is among them: the
official Python images ship it without byte code, and on a read-only root none can be made later.
"""

import importlib.util
import py_compile
import sys
from collections.abc import Iterable
from pathlib import Path


def stage(sources: Iterable[Path], root: Path) -> int:
    """Compile each source below ``root``; returns how many had no byte code beside them.

    Byte code is not checked against its source when it is loaded (PEP 552): nobody edits a file in
    an image, and a time stamp that a registry rounds would make it worthless.
    """
    count = 0
    for source in sources:
        compiled = Path(importlib.util.cache_from_source(str(source)))
        if compiled.exists():
            continue
        py_compile.compile(
            str(source),
            cfile=str(root / compiled.relative_to("/")),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        count += 1
    return count


if __name__ == "__main__":
    lines = [Path(line.strip()) for line in sys.stdin]
    print(f"{stage(lines, Path(sys.argv[1]))} of {len(lines)} modules compiled")
