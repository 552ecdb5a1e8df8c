"""A real HTTP server on the loopback interface that answers as a test tells it to."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from attrs import frozen


@frozen
class Answer:
    """A response; ``announced`` is the Content-Length, if it is not to be the truth."""

    body: bytes = b""
    status: int = 200
    announced: int | None = None


class FileServer(HTTPServer):
    """Each path has its answers; the last one is repeated. Any other path is a 404."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str) -> Answer:
        self.asked.append(path)
        answers = self.answers.get(path, [Answer(status=404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        answer = self.server.answer(self.path)
        length = len(answer.body) if answer.announced is None else answer.announced
        self.send_response(answer.status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server that runs inside the block."""
    with FileServer() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
