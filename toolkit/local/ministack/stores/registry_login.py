"""ECR's authorization token, without which the registry lets nobody in, and addresses of layers.

- https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
- https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html
"""

import base64
import hashlib
import hmac
import json
import os
import time

from ministack.core.responses import get_account_id, get_region, json_response

from toolkit.local.ministack.replacing.calls import Answer, Call, answers

_HOURS = 12


def pair(region: str) -> str:
    """User name and password for one region's registry: a later engine takes them, too."""
    return f"AWS:{region}.{_keyed(f'registry {region}')}"


def region_of(login: bytes) -> str | None:
    """The region whose registry a login is for, or None if it is none."""
    region = login.decode("latin-1").removeprefix("AWS:").partition(".")[0]
    return region if hmac.compare_digest(login, pair(region).encode()) else None


def host(region: str) -> str:
    """The registry of a region, by its name on AWS."""
    return f"{get_account_id()}.dkr.ecr.{region}.amazonaws.com"


def is_address(path: str, query: str) -> bool:
    """Whether this is the address of a layer that GetDownloadUrlForLayer gave."""
    namespace, _, signature = query.partition("&signature=")
    signed = _keyed(f"{path}?{namespace}")
    return "/blobs/" in path and hmac.compare_digest(signature.encode(), signed.encode())


def _keyed(text: str) -> str:
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


@answers("ecr", "GetDownloadUrlForLayer")
def _signed_address(call: Call) -> Answer:
    status, headers, content = call.passed_on()
    if status != 200:
        return status, headers, content
    answer = json.loads(content)
    registry, _, path = answer["downloadUrl"].removeprefix("https://").partition("/")
    here = f"{os.environ['MINISTACK_HOST']}:{os.environ['GATEWAY_PORT']}"
    address = f"/{path}?ns={registry}"
    answer["downloadUrl"] = f"http://{here}{address}&signature={_keyed(address)}"
    return status, headers, json.dumps(answer).encode()


@answers("ecr", "GetAuthorizationToken")
def _get_authorization_token(_call: Call) -> Answer:
    row = {
        "authorizationToken": base64.b64encode(pair(get_region()).encode()).decode(),
        "expiresAt": int(time.time()) + _HOURS * 3600,
        "proxyEndpoint": f"https://{host(get_region())}",
    }
    return json_response({"authorizationData": [row]})
