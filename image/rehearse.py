"""Does once, in the build, what runs do: the proof that pruning cut nothing that is needed.

``python rehearse.py`` prints the source file of every module that was loaded, a line each; their
byte code is what the image keeps. It runs as the image will, from the pruned packages.

A project may bring an `image/acts.py`, whose ``ACTS`` do what its workloads do with their packages.
With them any warning is an error.
"""

import importlib
import importlib.util
import io
import json
import logging
import os
import pkgutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import imports
from attrs import evolve

import workloads
from toolkit.runtime import catalog, runtime, sink
from toolkit.runtime.contract import Json, Result, Run, RunId, parse_time
from toolkit.runtime.packages import explain_missing

RUN = RunId("rehearsal", parse_time("2026-11-24T05:00:00Z"))


def import_workloads() -> None:
    """Import every entry point, and what every module and program of the project imports.

    A file that no entry point imports may be a program, which runs when it is imported: it is read.
    """
    rows = catalog.image_catalog().workloads.values()
    for workload in rows:
        if workload.entry_point:
            name, _, function = workload.entry_point.partition(":")
            with _told(name):
                getattr(importlib.import_module(name), function)
    for module in pkgutil.walk_packages(workloads.__path__, "workloads."):
        spec = importlib.util.find_spec(module.name)
        if spec is not None and spec.origin is not None:
            _load_imports(module.name, Path(spec.origin))
    for file in _programs(rows):
        _load_imports("workloads", file)


def make_clients() -> None:
    """Make the clients that jobs ask boto3 for: S3's, and where the audit is on, those it declares.

    prune.py left their models.
    """
    import boto3

    declared = [name for row in catalog.reserved().workloads.values() for name in row.services]
    for service in ("s3", *declared):
        boto3.client(service, region_name="eu-central-1")


def _programs(rows: Iterable[catalog.Workload]) -> Iterator[Path]:
    """The Python files that commands name; they are no modules where their folder is no package."""
    folders = [Path(folder) for folder in workloads.__path__]
    for word in {word for row in rows for word in row.command[:2] if word.endswith(".py")}:
        yield from (file for folder in folders if (file := folder / word).is_file())


def _load_imports(name: str, file: Path) -> None:
    if file.suffix != ".py":
        return
    source = file.read_text("utf-8")
    with _told(name if name in sys.modules else str(file)):
        if name in sys.modules and sys.modules[name].__file__ == str(file):
            imports.load_lazy_imports(name, source)
        else:
            imports.load_imports(name, source, {path.stem for path in file.parent.iterdir()})


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Stop the build where an import of ``name`` fails."""
    try:
        yield
    except ImportError as error:
        missing = explain_missing(error, "NAME")
        raise SystemExit(f"error: {name}: {error}" + (f": {missing}" if missing else "")) from error


def store() -> None:
    """Claim, save and read as a task does, over a real socket; the store says yes, then no."""
    with _store(200) as address:
        bucket = _sink(address)
        bucket.create(RUN.claim_key, b"{}")
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x" * 100_000)
            file.flush()
            path = Path(file.name)
            bucket.put(RUN.artifact_key("a"), path, media_type="x/y", sha256=bytes(32))
        bucket.read(RUN.claim_key)
    with _store(412) as address:
        _sink(address).create(RUN.claim_key, b"{}")


@contextmanager
def _store(status: int) -> Iterator[str]:
    body = b"" if status == 200 else b"<Error><Code>PreconditionFailed</Code></Error>"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer()

        def _answer(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _sink(address: str) -> sink.S3Sink:
    """The store of a task, with the client that a task has."""
    os.environ.update(
        AWS_ENDPOINT_URL=address,
        AWS_DEFAULT_REGION="eu-central-1",
        AWS_ACCESS_KEY_ID="rehearsal",
        AWS_SECRET_ACCESS_KEY="rehearsal",  # noqa: S106 - nobody checks it
    )
    return sink.S3Sink("rehearsal", patience_seconds=1)


def refuse() -> None:
    """A run with nothing set: the whole way to exit code 64."""
    stdout = io.StringIO()
    code = runtime.execute({}, stdout)
    if code != 64 or json.loads(stdout.getvalue())["event"] != "run.refused":
        raise RuntimeError(f"an empty environment gave {code}: {stdout.getvalue()}")


def run() -> None:
    """Runs of a function and of a program that do nothing: the whole way to their manifests."""
    workload = catalog.Workload(
        name=RUN.schedule,
        summary="",
        entry_point="rehearse:do_nothing",
        cpu=256,
        memory=512,
        max_runtime_seconds=60,
    )
    _run(workload)
    program = 'echo done; echo a > "$ARTIFACTS/a.csv"'
    _run(evolve(workload, entry_point="", command=("sh", "-c", program)))


def _run(workload: catalog.Workload) -> None:
    stdout = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "WORKLOAD": RUN.schedule,
            "SCHEDULE": RUN.schedule,
            "SCHEDULED_TIME": RUN.scheduled_time.isoformat(),
            "BUCKET": f"file://{folder}",
            "PATH": os.environ.get("PATH", os.defpath),
        }
        known = catalog.Catalog({RUN.schedule: workload})
        code = runtime.execute(environment, stdout, catalog=known)
    if code != 0:
        raise RuntimeError(f"a run that does nothing gave {code}: {stdout.getvalue()}")


def do_nothing(_settings: Mapping[str, Json], run: Run) -> Result:
    """The workload of `run`."""
    run.save("nothing.txt", b"", media_type="text/plain")
    return Result()


def _note(loaded: set[str], event: str, given: tuple[Any, ...]) -> None:
    # The code of a module that fails to import is executed, too, in vain, in every run: a part for
    # Windows, say. sys.modules does not tell of it.
    if event == "exec" and given[0].co_filename.endswith(".py"):
        loaded.add(given[0].co_filename)


class _Raise(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError(f"{record.name} warned: {record.getMessage()}")


def _acts() -> tuple[Callable[[], None], ...]:
    """The acts of the project, if it brings any."""
    if importlib.util.find_spec("acts") is None:
        return ()
    warnings.simplefilter("error")
    logging.getLogger().addHandler(_Raise(logging.WARNING))
    acts: tuple[Callable[[], None], ...] = importlib.import_module("acts").ACTS
    return acts


def main() -> None:
    """Rehearse, and print what was loaded."""
    loaded: set[str] = set()
    sys.addaudithook(lambda event, given: _note(loaded, event, given))
    for act in (*_acts(), refuse, run, import_workloads, make_clients, store):
        act()
    files = {getattr(module, "__file__", None) or "" for module in sys.modules.values()}
    here = str(Path(__file__).parent)
    sources = {file for file in files | loaded if file.endswith(".py")}
    print(*sorted(file for file in sources if not file.startswith(here)), sep="\n")


if __name__ == "__main__":
    main()
