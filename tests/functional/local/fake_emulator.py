"""What the agent needs of an emulator, and nothing else (toolkit/local/PROTOCOL.md)."""

import base64
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from toolkit.local.keys import Keys

Json = dict[str, Any]
TOKEN, LOGIN = "token", ("AWS", "password")
KEYS = Keys("AKIAACCOUNT", "AKIAENGINE", "secret", 0)
ACCOUNT = "000000000000"


class FakeEmulator(ThreadingHTTPServer):
    """An emulator of one cluster: what stands in its fields is what AWS's calls tell."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.changed = threading.Condition()
        self.version, self.offset = 0, 0.0
        self.schedules: dict[str, Json] = {}
        self.definition: Json = {}
        self.tasks: dict[str, Json] = {}
        self.reports: defaultdict[str, list[str]] = defaultdict(list)
        self.sessions: dict[str, Json] = {}
        self.lines: defaultdict[str, list[Json]] = defaultdict(list)
        self.letters: list[Json] = []
        self.blobs: dict[str, bytes] = {}
        self.refuse_run_task = False

    def add_schedule(self, name: str, expression: str) -> None:
        arn = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/g/{name}"
        target = {
            "Arn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/c",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/scheduler",
            "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:letters"},
            "RetryPolicy": {"MaximumRetryAttempts": 0},
            "EcsParameters": {"TaskDefinitionArn": self.definition["taskDefinitionArn"]},
            "Input": "{}",
        }
        self.schedules[name] = {
            "Arn": arn,
            "Name": name,
            "GroupName": "g",
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
            "LastModificationDate": time.time(),
        }
        self.announce()

    def announce(self) -> None:
        with self.changed:
            self.version += 1
            self.changed.notify_all()

    # The emulator's own routes

    def changes(self, since: int) -> Json:
        with self.changed:
            self.changed.wait_for(lambda: self.version != since, 5)
            live = {
                arn: {"offset": task["offset"], "desired": task["desiredStatus"], "faults": {}}
                for arn, task in self.tasks.items()
                if task["lastStatus"] != "STOPPED"
            }
            numbers = {"version": self.version, "schedules": len(self.schedules)}
            return {**numbers, "tasks": live, "regions": ["us-east-1"]}

    def clock(self, body: Json) -> Json:
        self.offset = body["offset"]
        return {}

    def assume_role(self, body: Json) -> Json:
        key = f"ASIA{len(self.sessions)}"
        self.sessions[key] = body
        return {"AccessKeyId": key, "SecretAccessKey": "s", "Token": "t", "Expiration": 2e9}

    def strike(self, _body: Json) -> Json:
        return {"fault": None}

    # AWS's calls: the name of the operation, and what signed it

    def run_task(self, body: Json, signer: str) -> Json:
        arn = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/c/{len(self.tasks):032d}"
        task = {
            "taskArn": arn,
            "clusterArn": body["cluster"],
            "taskDefinitionArn": body["taskDefinition"],
            "group": body.get("group", "family:f"),
            "desiredStatus": "RUNNING",
            "lastStatus": "PROVISIONING",
            "memory": "512",
            "cpu": "256",
            "containers": [],
            "offset": self.sessions[signer]["offset"],
        }
        self.tasks[arn] = task
        self.announce()
        return {"tasks": [task], "failures": []}

    def stop_task(self, arn: str) -> None:
        self.tasks[arn]["desiredStatus"] = "STOPPED"
        self.announce()

    def describe_tasks(self, body: Json, _signer: str) -> Json:
        return {"tasks": [self.tasks[arn] for arn in body["tasks"]]}

    def describe_task_definition(self, _body: Json, _signer: str) -> Json:
        return {"taskDefinition": self.definition}

    def submit_task_state_change(self, body: Json, _signer: str) -> Json:
        task = self.tasks[body["task"]]
        task["lastStatus"] = body["status"]
        task["containers"] = body.get("containers", task["containers"])
        self.reports[body["task"]].append(body["status"])
        return {"acknowledgment": "ACCEPT"}

    def get_authorization_token(self, _body: Json, _signer: str) -> Json:
        token = base64.b64encode(":".join(LOGIN).encode()).decode()
        return {"authorizationData": [{"authorizationToken": token}]}

    def batch_get_image(self, body: Json, _signer: str) -> Json:
        return {"images": [{"imageId": body["imageIds"][0]}]}

    def create_log_stream(self, _body: Json, _signer: str) -> Json:
        return {}

    def put_log_events(self, body: Json, _signer: str) -> Json:
        self.lines[body["logStreamName"]] += body["logEvents"]
        return {}

    def get_queue_url(self, body: Json, _signer: str) -> Json:
        return {"QueueUrl": f"{self.url}/{ACCOUNT}/{body['QueueName']}"}

    def send_message(self, body: Json, _signer: str) -> Json:
        self.letters.append(body)
        return {"MessageId": "1"}


class Handler(BaseHTTPRequestHandler):
    server: FakeEmulator

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        names = url.path.strip("/").split("/")
        if names[0] == "v2":
            blob = self.server.blobs.get(names[-1])
            self.answer(200 if blob is not None else 404, blob or b"")
        elif names[0] == "schedules":
            known = self.server.schedules
            self.send(known[names[1]] if names[1:] else {"Schedules": list(known.values())})
        else:
            self.own()
            self.send(self.server.changes(int(parse_qs(url.query)["since"][0])))

    def do_PUT(self) -> None:
        self.server.blobs[self.path.rsplit("/", 1)[-1]] = self.body()
        self.answer(201, b"")

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        if url.path.startswith("/v2/"):
            self.server.blobs[parse_qs(url.query)["digest"][0]] = self.body()
            self.answer(201, b"")
        elif url.path.startswith("/_toolkit/"):
            self.own()
            name = url.path.removeprefix("/_toolkit/").replace("-", "_")
            self.send(getattr(self.server, name)(json.loads(self.body())))
        else:
            self.call()

    def call(self) -> None:
        """One of AWS's JSON calls, by the name in its target."""
        name = self.headers["X-Amz-Target"].rpartition(".")[2]
        body, signer = json.loads(self.body()), self.headers["Authorization"]
        key = signer.partition("Credential=")[2].partition("/")[0]
        if name == "RunTask" and self.server.refuse_run_task:
            self.send({"__type": "AccessDeniedException", "message": "no"}, 400)
            return
        python = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        self.send(getattr(self.server, python[1:])(body, key))

    def own(self) -> None:
        assert self.headers["X-Toolkit-Token"] == TOKEN

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, document: Json, status: int = 200) -> None:
        self.answer(status, json.dumps(document).encode())

    def answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def fake_emulator() -> Iterator[FakeEmulator]:
    with FakeEmulator() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
