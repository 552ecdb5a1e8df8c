"""The engine's own HTTP server, on loopback: its control API and the tasks' endpoint.

Control routes need the engine's token. A request with an Origin or for another host's name comes
from a page in a browser, and is refused. Long actions answer with one JSON object per line, as it
happens; the last one says that nothing is missing.
"""

import hmac
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from toolkit.adapters.embedded.engine import COMPLETE, TOKEN_HEADER
from toolkit.core.errors import ToolkitError

Json = dict[str, Any]
Call = Callable[[Json], Json]
Stream = Callable[[Json], Iterable[Json]]
_PATIENCE_SECONDS = 30.0
_log = logging.getLogger(__name__)


class Control(ThreadingHTTPServer):
    """The server; its routes are filled in by the engine.

    Whoever connects has ``patience`` seconds for each part of what they have to say until they have
    shown the token: every connection holds a thread of the engine.
    """

    daemon_threads = True
    request_queue_size = 128  # of callers at once; with the default of 5 some are reset

    def __init__(self, token: str, patience: float = _PATIENCE_SECONDS) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = token
        self.patience = patience
        self.calls: Mapping[tuple[str, str], Call] = {}
        self.streams: Mapping[str, Stream] = {}
        self.task_endpoint: Callable[[str], tuple[int, Json]] = lambda _path: (404, {})

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Control

    def setup(self) -> None:
        """Have patience with the connection for a while."""
        super().setup()
        self.connection.settimeout(self.server.patience)

    def do_GET(self) -> None:
        if self._is_from_a_page():
            return
        if self.path.startswith(("/v4/", "/credentials/")):
            self._send(*self.server.task_endpoint(self.path))
        else:
            self._control("GET")

    def do_POST(self) -> None:
        if not self._is_from_a_page():
            self._control("POST")

    def _is_from_a_page(self) -> bool:
        """Refuse what no program of ours sends."""
        own = self.server.url.removeprefix("http://")
        if "Origin" not in self.headers and self.headers.get_all("Host") == [own]:
            return False
        self._send(403, {"message": "the embedded AWS answers no web page"})
        return True

    def _control(self, method: str) -> None:
        held = self.headers.get(TOKEN_HEADER, "").encode("utf-8", "replace")
        if not hmac.compare_digest(held, self.server.token.encode()):
            self._send(403, {"message": "the control API needs the engine's token"})
            return
        self.connection.settimeout(None)
        try:
            body = self._body()
        except ValueError:
            self._send(400, {"message": "the request holds no JSON object"})
            return
        call = self.server.calls.get((method, self.path))
        stream = self.server.streams.get(self.path) if method == "POST" else None
        if stream is not None:
            self._stream(stream(body))
        elif call is not None:
            self._call(call, body)
        else:
            self._send(404, {"message": f"no route {method} {self.path}"})

    def _body(self) -> Json:
        """The request's document; raises ValueError."""
        length = int(self.headers.get("Content-Length") or 0)
        if length < 0:
            raise ValueError("a negative length")
        body = json.loads(self.rfile.read(length)) if length else {}
        if not isinstance(body, dict):
            raise ValueError("no object")  # noqa: TRY004 - the caller answers all alike
        return body

    def _call(self, call: Call, body: Json) -> None:
        try:
            self._send(200, call(body))
        except ToolkitError as error:
            self._send(400, _problem(error))
        except Exception as error:  # a bug: the caller is told, and the log has the traceback
            self._send(500, _unexpected(self.path, error))

    def _stream(self, events: Iterable[Json]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        try:
            for event in events:
                self._line(event)
            self._line(COMPLETE)
        except ConnectionError:
            return  # the caller went away; what it asked for goes on
        except ToolkitError as error:
            self._line({"event": "failed", **_problem(error)})
        except Exception as error:
            self._line({"event": "failed", **_unexpected(self.path, error)})

    def _line(self, event: Json) -> None:
        self.wfile.write(json.dumps(event).encode() + b"\n")
        self.wfile.flush()

    def _send(self, status: int, document: Json) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        _log.debug(format, *args)


def _unexpected(path: str, error: Exception) -> Json:
    """What the caller raises of an exception that no code here expects."""
    _log.exception("%s", path)
    message = f"the embedded AWS failed at {path}: {type(error).__name__}: {error}"
    return _problem(ToolkitError(message, hint="see .toolkit/local/engine.log"))


def _problem(error: ToolkitError) -> Json:
    """What the caller raises again, of the same kind: bad input stays bad input."""
    return {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
