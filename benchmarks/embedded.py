"""A project on an embedded AWS of its own, and clients that count their calls."""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.adapters.session import Aws
from toolkit.app.app import App, open_app

ROOT = Path(__file__).resolve().parent.parent


def counted(app: App) -> tuple[App, Counter[str]]:
    """The same app, of which nothing is known yet, and the calls that it makes from now on."""
    calls: Counter[str] = Counter()
    aws = Aws(app.aws.endpoint, lambda call: calls.update([call.operation]))
    return App(app.project, app.config, aws, app.console, app.now, local=app.local), calls


class Console:
    def say(self, text: str) -> None:
        print(text, file=sys.stderr)

    changes = event = confirm = say


@contextmanager
def deployed_weather() -> Iterator[App]:
    """The weather workload with a daily schedule, deployed; gone again at the end."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for part in ("toolkit.toml", "templates", "image", "workloads"):
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, root / part)
        (root / "schedules").mkdir()
        (root / "schedules" / "weather.toml").write_text('expression = "cron(0 6 * * ? *)"\n')
        (root / ".toolkit").mkdir()
        for installed in (ROOT / ".toolkit").glob("[ep]*-*"):
            (root / ".toolkit" / installed.name).symlink_to(installed)
        try:
            _toolkit(root, "deploy", "--local", "--yes", "--only", "weather")
            yield open_app(root, Console(), environment=None, local=True)  # type: ignore[arg-type]
        finally:
            _toolkit(root, "local", "stop")


def _toolkit(root: Path, *words: str) -> None:
    command = [sys.executable, "-m", "toolkit", *words]
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode())
