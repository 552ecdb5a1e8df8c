"""A request does what it was judged for, wherever it names its action."""

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .rehearsal import Platform

Send = Callable[..., int]
NAME = "judged"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CBOR = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
ECS = "AmazonEC2ContainerServiceV20141113"
METRICS = "/service/GraniteServiceVersion20100801/operation"


def text(word: str) -> bytes:
    """A short text in CBOR."""
    return bytes([0x60 + len(word)]) + word.encode()


CLUSTER = json.dumps({"clusterName": NAME}).encode()
ONE_METRIC = b"\xa2" + text("MetricName") + text(NAME) + text("Value") + b"\x01"
DATA = b"\xa2" + text("Namespace") + text("n") + text("MetricData") + b"\x81" + ONE_METRIC
ATTEMPTS: dict[str, tuple[str, str, dict[str, str], bytes]] = {
    "a target besides the query's action": (
        "ecs",
        "/?Action=ListClusters",
        {"X-Amz-Target": f"{ECS}.CreateCluster"},
        CLUSTER,
    ),
    "a target that is an action alone": ("ecs", "/", {"X-Amz-Target": "CreateCluster"}, CLUSTER),
    "a form besides the query's action": (
        "sns",
        "/?Action=ListTopics",
        FORM,
        f"Action=CreateTopic&Version=2010-03-31&Name={NAME}".encode(),
    ),
    "a query that hides its word": (
        "sns",
        "/?%41ction=ListTopics",
        FORM,
        f"Action=CreateTopic&Version=2010-03-31&Name={NAME}".encode(),
    ),
    "a path besides a form": (
        "monitoring",
        f"{METRICS}/PutMetricData",
        FORM,
        f"Action=ListMetrics&Namespace=n&MetricData.member.1.MetricName={NAME}"
        "&MetricData.member.1.Value=1".encode(),
    ),
    "a path of CBOR": ("monitoring", f"{METRICS}/PutMetricData", CBOR, DATA),
    "a path of CBOR besides an empty target": (
        "monitoring",
        f"{METRICS}/PutMetricData",
        {**CBOR, "X-Amz-Target": ""},
        DATA,
    ),
    "a path of CBOR besides a target": (
        "monitoring",
        f"{METRICS}/PutMetricData",
        {**CBOR, "X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics"},
        DATA,
    ),
}


@pytest.fixture(scope="module")
def send(platform: Platform) -> Iterator[Send]:
    """Sign as a role that may only list, and send."""
    rehearsal = platform.rehearsal
    iam, sts = rehearsal.aws("iam"), rehearsal.aws("sts")
    account = sts.get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=document(trust))["Role"]
    actions = ["ecs:ListClusters", "sns:ListTopics", "cloudwatch:ListMetrics"]
    listing = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    iam.put_role_policy(RoleName=NAME, PolicyName="list", PolicyDocument=document(listing))
    given = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]
    keys = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    endpoint = rehearsal.info.endpoint_url

    def sent(service: str, path: str, headers: dict[str, str], body: bytes) -> int:
        request = AWSRequest("POST", endpoint + path, {**headers}, body)
        SigV4Auth(keys, service, rehearsal.info.region).add_auth(request)
        connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=120)
        connection.request("POST", path, body, dict(request.headers))
        status = connection.getresponse().status
        connection.close()
        return status

    yield sent
    iam.delete_role_policy(RoleName=NAME, PolicyName="list")
    iam.delete_role(RoleName=NAME)


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_request_does_not_do_more_than_it_was_judged_for(
    platform: Platform, send: Send, attempt: str
) -> None:
    assert 400 <= send(*ATTEMPTS[attempt]) < 500
    aws = platform.rehearsal.aws
    assert not any(NAME in arn for arn in aws("ecs").list_clusters()["clusterArns"])
    assert not any(NAME in row["TopicArn"] for row in aws("sns").list_topics()["Topics"])
    assert not aws("cloudwatch").list_metrics(MetricName=NAME)["Metrics"]


def test_a_request_that_names_its_action_once_is_judged_by_it(send: Send) -> None:
    listing = {"X-Amz-Target": f"{ECS}.ListClusters"}
    assert send("ecs", "/", listing, b"{}") == 200
    assert send("sns", "/", FORM, b"Action=ListTopics&Version=2010-03-31") == 200
