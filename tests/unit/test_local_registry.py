"""The process image: content-addressed, whatever the machine that packs it."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from toolkit.adapters.images.registry import push_process_image, repository_name
from toolkit.core.errors import ImageError

LOGIN = ("AWS", "password")


class Registry(BaseHTTPRequestHandler):
    """Keeps what is pushed; a hand-written fake of the two calls that a push makes."""

    kept: ClassVar[dict[str, bytes]] = {}
    status: ClassVar[int] = 201

    def do_POST(self) -> None:
        self._keep()

    def do_PUT(self) -> None:
        self._keep()

    def _keep(self) -> None:
        assert self.headers["Authorization"] == "Basic QVdTOnBhc3N3b3Jk"
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.kept[self.path] = content
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    Registry.kept, Registry.status = {}, 201
    with HTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def tree(folder: Path) -> dict[str, Path]:
    package = folder / "workloads"
    (package / "batch").mkdir(parents=True)
    (package / "catalog.toml").write_text("x = 1\n")
    (package / "batch" / "science.py").write_text("print()\n")
    return {
        f"workloads/{path.relative_to(package).as_posix()}": path
        for path in package.rglob("*")
        if path.is_file()
    }


def test_the_same_files_give_the_same_digest(registry: str, tmp_path: Path) -> None:
    one = push_process_image(registry, "app", tree(tmp_path / "one"), LOGIN)
    os.utime(tmp_path / "one" / "workloads" / "catalog.toml", (0, 0))
    two = push_process_image(registry, "app", tree(tmp_path / "two"), LOGIN)
    assert one == two


def test_a_changed_file_gives_another_digest(registry: str, tmp_path: Path) -> None:
    package = tree(tmp_path)
    before = push_process_image(registry, "app", package, LOGIN)
    package["workloads/catalog.toml"].write_text("x = 2\n")
    assert push_process_image(registry, "app", package, LOGIN) != before


def test_the_manifest_names_what_was_pushed(registry: str, tmp_path: Path) -> None:
    digest = push_process_image(registry, "host.example:5000/team/app", tree(tmp_path), LOGIN)
    manifest = json.loads(Registry.kept[f"/v2/team/app/manifests/{digest}"])
    pushed = {path.rsplit("digest=", 1)[-1].replace("%3A", ":") for path in Registry.kept}
    named = {row["digest"] for row in (manifest["config"], *manifest["layers"])}
    assert named <= pushed


@pytest.mark.parametrize(("status", "hinted"), [(404, True), (401, False), (500, False)])
def test_a_registry_that_refuses_is_an_image_error(
    registry: str, tmp_path: Path, status: int, hinted: bool
) -> None:
    Registry.status = status
    with pytest.raises(ImageError, match="refused POST /v2/app/blobs") as caught:
        push_process_image(registry, "app", tree(tmp_path), LOGIN)
    assert bool(caught.value.hint) is hinted


def test_a_registry_that_does_not_answer_is_an_image_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not answer"):
        push_process_image("http://127.0.0.1:9", "app", tree(tmp_path), LOGIN)


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("app", "app"),
        ("team/app", "team/app"),
        ("localhost:5000/app", "app"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app", "team/app"),
    ],
)
def test_a_repositorys_name_is_its_uri_without_the_host(uri: str, name: str) -> None:
    assert repository_name(uri) == name
