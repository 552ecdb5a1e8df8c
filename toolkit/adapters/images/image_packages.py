"""The packages of the project's image as a virtual environment, for tasks that run as processes.

It is made of the same lock as the image and pruned by the same rules, so a task finds in it what it
would find in the image, and nothing else.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from toolkit.adapters.environments import Environment, name_of
from toolkit.core.errors import ImageError
from toolkit.runtime.catalog import Catalog

LOCK = "image/requirements.lock"
_BUILD_LOCK, _PRUNE, _PRUNE_PLAN = "image/build.lock", "image/prune.py", "image/prune.toml"
_CATALOG = "workloads/catalog.toml"
_AUDIT = "toolkit/audit/audit.toml"  # only where the audit is on
# Files that do not compile are templates, and nobody imports them.
_COMPILE = "import compileall, sys; compileall.compile_dir(sys.argv[1], quiet=2, workers=0)"


def ensure_packages(folder: Path, tree: Mapping[str, Path], progress: Callable[[str], None]) -> str:
    """Make the environment below ``folder`` where needed; returns its directory's name.

    Args:
        folder: the project's `.toolkit`.
        tree: the files of the image's build context, by their paths in it.
        progress: told before the installation.
    """
    if LOCK not in tree:
        raise ImageError(f"{LOCK} is missing", hint="make it: toolkit image lock")
    made = Environment(folder / name_of("python", _contents(tree)), "the packages of the image")
    if not made.installed:
        with made.installing() as needed:
            if needed:
                progress(f"installing the packages of {LOCK} (once)")
                _install(made, tree)
    return made.home.name


def _contents(tree: Mapping[str, Path]) -> list[bytes]:
    """What decides what the environment holds; of the catalog only the AWS services do."""
    names = (LOCK, _BUILD_LOCK, _PRUNE, _PRUNE_PLAN)
    files = [tree[name].read_bytes() if name in tree else b"" for name in names]
    catalogs = [Catalog.parse(tree[p].read_text("utf-8")) for p in (_CATALOG, _AUDIT) if p in tree]
    workloads = [workload for catalog in catalogs for workload in catalog.workloads.values()]
    services = {service for workload in workloads for service in workload.services}
    return [*files, " ".join(sorted(services)).encode()]


def _install(made: Environment, tree: Mapping[str, Path]) -> None:
    """The steps of the Dockerfile, on this machine."""
    made.pip(tree[_BUILD_LOCK], "--no-deps")
    made.pip(tree[LOCK], "--no-deps", "--no-compile", "--no-build-isolation", "--use-pep517")
    with tempfile.TemporaryDirectory() as folder:
        for name in (LOCK, _PRUNE_PLAN, _CATALOG, _AUDIT):
            if name in tree:
                shutil.copy(tree[name], folder)
        made.run(str(tree[_PRUNE]), str(made.site_packages), folder)
    # Tasks cannot write byte code, and should not compile in each run.
    made.run("-c", _COMPILE, str(made.site_packages))
