"""A request to stop while the weather workload fetches from a server that never ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functional.runtime.harness import PATIENCE_SECONDS, ROOT

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"USW00024233,20160101,TMAX,1,,,W,\n"])
def test_sigterm_ends_a_run_that_waits_for_a_server(sent: bytes, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        port = listener.getsockname()[1]
        variables = {
            "PATH": os.environ["PATH"],
            "WORKLOAD": "weather",
            "SCHEDULE": "weather",
            "SCHEDULED_TIME": "2026-11-24T05:00:00Z",
            "BUCKET": f"file://{tmp_path}",
            "SOURCE": "ghcn-daily",
            "STATION_URL": f"http://127.0.0.1:{port}/{{station}}.csv",
        }
        with subprocess.Popen(
            [sys.executable, "-m", "toolkit.runtime"],
            cwd=ROOT,
            env=variables,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(sent)
                process.send_signal(signal.SIGTERM)
                # The server still holds its answer: only the signal can end the run.
                output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 143
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert events[-2:] == ["run.stopped", "run.finished"]
    [manifest] = tmp_path.glob("ledger/weather/*.interrupted.json")
    saved = {artifact["name"] for artifact in json.loads(manifest.read_text())["artifacts"]}
    assert saved == {"observations.csv", "forecast.csv", "metrics.json"}
