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
from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import ecr

_HOURS = 12


def install() -> None:
    """Let GetAuthorizationToken give this engine's own password, and layers have addresses."""
    ecr._get_authorization_token = _get_authorization_token
    original = ecr._get_download_url_for_layer
    ecr._get_download_url_for_layer = lambda data: _signed_address(original(data))


def pair() -> str:
    """User name and password, of the engine's secret: a later engine takes them, too."""
    return f"AWS:{_keyed('registry')}"


def is_address(path: str, query: str) -> bool:
    """Whether this is the address of a layer that GetDownloadUrlForLayer gave."""
    return "/blobs/" in path and hmac.compare_digest(query, f"signature={_keyed(path)}")


def _keyed(text: str) -> str:
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _signed_address(response: Any) -> Any:
    status, headers, content = response
    if status != 200:
        return response
    answer = json.loads(content)
    path = answer["downloadUrl"].removeprefix("https://").partition("/")[2]
    host = f"{os.environ['MINISTACK_HOST']}:{os.environ['GATEWAY_PORT']}"
    answer["downloadUrl"] = f"http://{host}/{path}?signature={_keyed(f'/{path}')}"
    return status, headers, json.dumps(answer).encode()


def _get_authorization_token(_data: Any) -> Any:
    row = {
        "authorizationToken": base64.b64encode(pair().encode()).decode(),
        "expiresAt": int(time.time()) + _HOURS * 3600,
        "proxyEndpoint": f"https://{get_account_id()}.dkr.ecr.{get_region()}.amazonaws.com",
    }
    return json_response({"authorizationData": [row]})
