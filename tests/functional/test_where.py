"""Which AWS a command talks to: its region, its account, and what answers in its place."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from toolkit.adapters.aws import account
from toolkit.adapters.aws.scheduler import Scheduler
from toolkit.adapters.aws.session import Aws, Endpoint, redirections
from toolkit.app.opening import open_app
from toolkit.core.errors import ConfigError, ToolkitError

IDENTITY = """<GetCallerIdentityResponse><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/ann</Arn><UserId>x</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
PAGE = "<html><body><h1>Sign in to the guest network</h1></body>"


class Answers:
    """A server that answers everything alike."""

    status, kind, body = 200, "text/xml", IDENTITY
    url = ""


@pytest.fixture
def server() -> Iterator[Answers]:
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(answers.status)
            self.send_header("Content-Type", answers.kind)
            body = answers.body.encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - as http.server names it

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        Thread(target=made.serve_forever, daemon=True).start()
        answers.url = f"http://127.0.0.1:{made.server_port}"
        yield answers
        made.shutdown()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those of the test."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


class Quiet:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def changes(self, change_sets: object) -> None: ...

    def event(self, stack: str, event: object) -> None: ...

    def confirm(self, question: str) -> bool:
        return False


def door(server: Answers) -> Aws:
    return Aws(Endpoint("eu-central-1", server.url, "test", "test"))


@pytest.mark.parametrize(("kind", "body"), [("text/html", PAGE), ("text/xml", "no <xml"), ("", "")])
def test_an_answer_that_is_not_of_aws_is_an_error_with_a_hint(
    server: Answers, kind: str, body: str
) -> None:
    server.kind, server.body = kind, body
    with pytest.raises(ToolkitError) as caught:
        account.identity(door(server))
    assert "GetCallerIdentity" in caught.value.message
    assert "HTTPS_PROXY" in str(caught.value.hint)


def test_a_web_page_is_no_empty_list(server: Answers) -> None:
    server.kind, server.body = "text/html; charset=utf-8", PAGE
    with pytest.raises(ToolkitError, match="Sign in to the guest network"):
        Scheduler(door(server), "app").listed()


@pytest.mark.parametrize(
    ("settings", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
    ],
)
def test_the_region_is_the_one_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], region: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert Aws(Endpoint()).region == region
    assert Aws(Endpoint(region="us-east-1")).region == "us-east-1"


def test_without_a_region_the_hint_names_a_variable_that_works() -> None:
    with pytest.raises(ConfigError) as caught:
        _ = Aws(Endpoint()).region
    assert "AWS_REGION" in str(caught.value.hint)


def test_what_leads_elsewhere_than_to_aws_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert redirections(None) == []
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:4566\n")
    assert redirections(None) == [
        "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000",
        "endpoint_url=http://127.0.0.1:4566 of the profile",
    ]
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert redirections(None) == []


def opened(root: Path, account_line: str) -> Any:
    (root / "toolkit.toml").write_text(f'[default]\napp = "app"\n{account_line}\n')
    (root / "workloads").mkdir()
    (root / "workloads" / "catalog.toml").write_text("[workloads]\n")
    console = Quiet()
    return open_app(root, console, environment=None, local=False), console


def test_credentials_of_another_account_are_refused(
    server: Answers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with pytest.raises(ConfigError, match=r"is for account 999999999999; .*user/ann is of account"):
        opened(tmp_path, 'account = "999999999999"')


def test_a_question_names_the_account_and_the_region(
    server: Answers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    app, console = opened(tmp_path, 'account = "123456789012"')
    assert app.place == "in account 123456789012, eu-central-1"
    assert console.said == [f"calls do not go to AWS: AWS_ENDPOINT_URL={server.url}"]
