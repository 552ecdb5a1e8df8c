"""The embedded AWS is closed: to pages in a browser, to other names, to who has no key of it."""

import http.client
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.chromium import chromium

from .rehearsal import Platform, Rehearsal

EVIL = "evil.example"
SECOND_USER = "nobody"
PYTHON = Path("/usr/bin/python3")


def query(access_key: str, service: str = "sqs") -> str:
    """Credentials in the query, with which a page needs no header of its own."""
    scope = quote(f"{access_key}/20261127/us-east-1/{service}/aws4_request", safe="")
    return (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}&X-Amz-Date=20261127T000000Z"
        "&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    )


def ask(
    rehearsal: Rehearsal, method: str, path: str, headers: dict[str, str], body: str = ""
) -> tuple[int, dict[str, str], str]:
    address = urlsplit(rehearsal.info.endpoint_url).netloc
    connection = http.client.HTTPConnection(address, timeout=120)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": address, "Content-Length": str(len(body)), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    content = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


CREATE = "/?Action=CreateQueue&Version=2012-11-05&QueueName=planted&"
ATTEMPTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "preflight": ("OPTIONS", "/", {"Origin": "http://localhost:8111"}),
    "a page's own origin": ("GET", CREATE + query("{key}"), {"Origin": "http://{address}"}),
    "a page without origin": ("POST", CREATE + query("{key}"), {"Origin": "null"}),
    "a rebound name": ("GET", CREATE + query("{key}"), {"Host": f"{EVIL}:1"}),
    "another port": ("GET", CREATE + query("{key}"), {"Host": "127.0.0.1:1"}),
    "unsigned": ("GET", CREATE, {}),
    "unsigned object": ("GET", "/{bucket}/", {}),
    "test, by query": ("GET", CREATE + query("test"), {}),
    "an account's number": ("GET", CREATE + query("000000000000"), {}),
    "the right key, another signature": ("GET", CREATE + query("{key}"), {}),
    "test, by header": (
        "GET",
        CREATE,
        {
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261127/us-east-1/sqs/"
            "aws4_request, SignedHeaders=host, Signature=00"
        },
    ),
    "an old signature": ("GET", "/{bucket}/", {"Authorization": "AWS test:00"}),
    "reset": ("POST", "/_ministack/reset", {}),
    "the engine's routes": ("GET", "/_toolkit/changes?since=-1", {}),
    "another emulator's": ("GET", "/_localstack/health", {}),
    "execute-api": ("GET", "/_aws/execute-api/a/b", {}),
    "registry": ("GET", "/v2/", {}),
    "registry, by a signature": ("GET", "/v2/app/manifests/latest?" + query("{key}", "ecr"), {}),
    "registry, known password": (
        "GET",
        "/v2/",
        {"Authorization": "Basic QVdTOm1pbmlzdGFjay1hdXRoLXRva2Vu"},
    ),
    "health": ("GET", "/health", {}),
    "metadata of a user pool": ("GET", "/pool/.well-known/jwks.json", {}),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_request_that_may_not_come_in_is_refused(platform: Platform, attempt: str) -> None:
    rehearsal = platform.rehearsal
    method, path, headers = ATTEMPTS[attempt]
    known = {
        "{key}": rehearsal.info.access_key,
        "{address}": urlsplit(rehearsal.info.endpoint_url).netloc,
        "{bucket}": platform.platform["BucketName"],
    }
    for word, value in known.items():
        path = path.replace(word, value)
        headers = {name: text.replace(word, value) for name, text in headers.items()}
    status, answer, _ = ask(rehearsal, method, path, headers)
    assert status in (401, 403)
    assert not [name for name in answer if name.startswith("access-control")]
    assert not rehearsal.aws("sqs").list_queues(QueueNamePrefix="planted").get("QueueUrls")


def test_no_answer_opens_itself_to_web_pages(platform: Platform) -> None:
    told: list[str] = []
    for service, call in (("sqs", "list_queues"), ("s3", "list_buckets"), ("ecs", "list_clusters")):
        client = platform.rehearsal.aws(service)
        told += getattr(client, call)()["ResponseMetadata"]["HTTPHeaders"]
    assert told
    assert not [name for name in told if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("ecs", "list_clusters", "UnrecognizedClientException"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("scheduler", "list_schedules", "UnrecognizedClientException"),
    ],
)
def test_a_foreign_key_hears_what_aws_says(
    rehearsal: Rehearsal, service: str, call: str, code: str
) -> None:
    client = boto3.client(
        service,
        endpoint_url=rehearsal.info.endpoint_url,
        region_name=rehearsal.info.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with pytest.raises(ClientError) as caught:
        getattr(client, call)()
    assert caught.value.response["Error"]["Code"] == code


def test_a_wrong_secret_is_refused(rehearsal: Rehearsal) -> None:
    client = boto3.client(
        "ecs",
        endpoint_url=rehearsal.info.endpoint_url,
        region_name=rehearsal.info.region,
        aws_access_key_id=rehearsal.info.access_key,
        aws_secret_access_key="test",
    )
    with pytest.raises(ClientError, match="signature"):
        client.list_clusters()


def test_an_address_that_was_signed_opens_one_object(own: Rehearsal) -> None:
    """Its engine is new: addresses expire by a clock that other tests move."""
    s3, bucket = own.aws("s3"), "signed"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="releases/signed", Body=b"content")
    names = {"Bucket": bucket, "Key": "releases/signed"}
    newer = own.aws("s3", signature_version="s3v4")
    for client in (s3, newer):
        url = urlsplit(client.generate_presigned_url("get_object", Params=names))
        path = f"{url.path}?{url.query}"
        assert ask(own, "GET", path, {})[::2] == (200, "content")
        assert ask(own, "GET", path.replace("signed?", "other?"), {})[0] == 403


@pytest.mark.parametrize("headers", [{"Origin": "http://localhost"}, {"Host": f"{EVIL}:1"}])
def test_the_control_api_answers_no_page(rehearsal: Rehearsal, headers: dict[str, str]) -> None:
    address = urlsplit(rehearsal.info.control_url).netloc
    for given, expected in ((headers, 403), ({}, 200)):
        connection = http.client.HTTPConnection(address, timeout=120)
        connection.request(
            "GET", "/status", headers={"X-Toolkit-Token": rehearsal.info.token, **given}
        )
        assert connection.getresponse().status == expected
        connection.close()


class Attacker(BaseHTTPRequestHandler):
    """A web server with an empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page</title>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def page_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Attacker) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


# What a page can try; each becomes what came of it. ENDPOINT, FEED and KEYS are put in.
SCRIPTS = {
    "fetch": "fetch('ENDPOINT/v2/').then(r => 'read ' + r.status, e => 'refused')",
    "fetch with a target": """
        fetch('ENDPOINT/?KEYS', {method: 'POST', body: '{"clusterName": "planted"}', headers: {
            'X-Amz-Target': 'AmazonEC2ContainerServiceV20141113.CreateCluster',
            'Content-Type': 'application/x-amz-json-1.1'}}
        ).then(r => 'read ' + r.status, e => 'refused')""",
    "post without preflight": """
        fetch('ENDPOINT/?KEYS', {method: 'POST', mode: 'no-cors', body:
            new URLSearchParams('Action=CreateQueue&Version=2012-11-05&QueueName=planted')}
        ).then(r => r.status ? 'read ' + r.status : 'opaque', e => 'refused')""",
    "image": """
        new Promise(done => { const i = new Image(); i.onload = () => done('read');
            i.onerror = () => done('refused');
            i.src = 'ENDPOINT/?Action=CreateQueue&Version=2012-11-05&QueueName=planted&KEYS' })""",
    "form": """
        new Promise(done => { const f = document.createElement('form'), t = document.createElement(
            'iframe'); t.name = 'there'; document.body.append(t); f.target = 'there';
            f.method = 'post'; f.action = 'ENDPOINT/?KEYS'; f.innerHTML =
            '<input name=Action value=CreateQueue><input name=Version value=2012-11-05>' +
            '<input name=QueueName value=planted>'; document.body.append(f);
            t.onload = () => { try { done(t.contentDocument ? 'read' : 'opaque') }
                catch (e) { done('opaque') } }; f.submit() })""",
    "feed": """
        new Promise(done => { const s = new WebSocket('FEED/ws/btcusdt@trade');
            s.onopen = () => done('read'); s.onerror = () => done('refused') })""",
    "socket": """
        new Promise(done => { const s = new WebSocket('ENDPOINT'.replace('http', 'ws'));
            s.onopen = () => done('read'); s.onerror = () => done('refused') })""",
    "control": """
        fetch('CONTROL/reset', {method: 'POST', mode: 'no-cors', body: '{}'}
        ).then(r => r.status ? 'read ' + r.status : 'opaque', e => 'refused')""",
}


@pytest.mark.parametrize("key", ["test", "the engine's"])
def test_a_page_in_a_browser_can_neither_read_nor_change(
    rehearsal: Rehearsal, page_url: str, key: str, record_property: Any
) -> None:
    info = rehearsal.info
    words = {
        "ENDPOINT": info.endpoint_url,
        "CONTROL": info.control_url,
        "FEED": rehearsal.engine.feed_url(),
        "KEYS": query(info.access_key if key != "test" else "test"),
    }
    before = state(rehearsal)
    with chromium() as page:
        page.visit(page_url)
        came_of_it = {name: page.run(filled(script, words)) for name, script in SCRIPTS.items()}
    record_property("attempts", json.dumps(came_of_it))
    assert set(came_of_it.values()) <= {"refused", "opaque"}
    assert state(rehearsal) == before


def test_a_name_that_points_here_opens_nothing(rehearsal: Rehearsal) -> None:
    """DNS rebinding: the page's own origin, which the attacker's DNS sends to loopback."""
    port = urlsplit(rehearsal.info.endpoint_url).port
    before = state(rehearsal)
    with chromium(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1") as page:
        page.visit(f"http://{EVIL}:{port}/")
        assert "answers no web page" in page.run("document.body.innerText")
        words = {"ENDPOINT": f"http://{EVIL}:{port}", "KEYS": query(rehearsal.info.access_key)}
        for name in ("fetch with a target", "post without preflight"):
            assert page.run(filled(SCRIPTS[name], words)) == "read 403"
    assert state(rehearsal) == before


def filled(script: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        script = script.replace(word, value)
    return script


def state(rehearsal: Rehearsal) -> list[Any]:
    """What a page would have changed."""
    return [
        rehearsal.aws("ecs").list_clusters()["clusterArns"],
        rehearsal.aws("sqs").list_queues().get("QueueUrls"),
        rehearsal.aws("cloudformation").describe_stacks()["Stacks"],
        rehearsal.engine.status()["tasks"],
    ]


# What another user of the machine can try, with Python alone; prints what came of it.
SECOND = """
import json, pathlib, sys, urllib.error, urllib.request
home, endpoint, control, pid, query = sys.argv[1:]
def read(path):
    try: return 'read ' + str(len(pathlib.Path(path).read_bytes()))
    except OSError: return 'refused'
def ask(url, **headers):
    try: return urllib.request.urlopen(urllib.request.Request(url, headers=headers)).status
    except urllib.error.HTTPError as error: return error.code
print(json.dumps({
    'engine.json': read(home + '/engine.json'),
    'keys.json': read(home + '/keys.json'),
    'state': read(home + '/state/iam.json'),
    'environment': read('/proc/' + pid + '/environ'),
    'test': ask(endpoint + '/?Action=ListQueues&Version=2012-11-05&' + query),
    'unsigned': ask(endpoint + '/?Action=ListQueues&Version=2012-11-05'),
    'registry': ask(endpoint + '/v2/_catalog'),
    'control': ask(control + '/status'),
    'command lines': [path.read_bytes().decode('latin-1') for path in
        pathlib.Path('/proc').glob('[0-9]*/cmdline') if path.exists()],
}))
"""


def test_another_user_of_the_machine_can_neither_read_nor_change(own: Rehearsal) -> None:
    if os.geteuid() != 0 or not PYTHON.exists():
        pytest.skip("only root can become another user, who needs a Python that is not root's own")
    info = own.info
    for folder in (own.root, *own.root.parents[:2]):
        folder.chmod(0o755)  # what pytest hides, a person's project would not
    given = (own.root / ".toolkit" / "local", info.endpoint_url, info.control_url, info.pid)
    done = subprocess.run(
        [str(PYTHON), "-I", "-c", SECOND, *map(str, given), query("test")],
        user=SECOND_USER,
        group=65534,
        extra_groups=[],
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    lines = told.pop("command lines")
    assert told == {
        **dict.fromkeys(("engine.json", "keys.json", "state", "environment"), "refused"),
        **dict.fromkeys(("test", "unsigned", "control"), 403),
        "registry": 401,
    }
    assert lines
    secrets = (info.token, info.secret_key)
    assert not [line for line in lines if any(secret in line for secret in secrets)]
