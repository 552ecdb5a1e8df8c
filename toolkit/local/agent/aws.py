"""How the engine calls the emulator: plain boto3, at a chosen offset of the clock."""

import json
import threading
import urllib.error
import urllib.request
from typing import Any

from attrs import field, frozen

from toolkit.adapters.session import session_apart
from toolkit.core.errors import ConfigError
from toolkit.local.keys import Keys

_OFFSET_HEADER = "X-Toolkit-Offset"
_TOKEN_HEADER = "X-Toolkit-Token"  # noqa: S105 - names a header


@frozen
class Credentials:
    """What a role's session signs with; the emulator serves it at the session's own offset."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    expiration: float


class RoleError(Exception):
    """A service may not assume a role; ``code`` and the message are AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Emulator:
    """The emulator's two sides: AWS's APIs, and the routes of its gateway."""

    def __init__(self, endpoint: str, token: str, keys: Keys) -> None:
        self.endpoint = endpoint
        self._token = token
        self._keys = keys
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str) -> Any:
        """The account's own client, at the engine's time."""
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                self._clients[key] = self._make_own(service, region)
            return self._clients[key]

    def client_at(self, offset: float, service: str, region: str) -> Any:
        """The account's own client, at the time of one task."""
        with self._lock:
            client = self._make_own(service, region)
        client.meta.events.register(
            "before-sign",
            lambda request, **_: request.headers.add_header(_OFFSET_HEADER, str(offset)),
        )
        return client

    def client_as(self, role: Credentials, service: str, region: str, *, attempts: int = 1) -> Any:
        """A client with a role's credentials, which makes so many attempts at every call."""
        with self._lock:
            return self._make(
                service, region, role.access_key, role.secret_key, role.token, attempts
            )

    def _make_own(self, service: str, region: str) -> Any:
        """With the engine's own key, so that injected faults spare it."""
        keys = self._keys
        return self._make(service, region, keys.engine_access_key, keys.secret_key, None)

    def _make(
        self,
        service: str,
        region: str,
        key: str,
        secret: str,
        token: str | None,
        attempts: int = 2,
    ) -> Any:
        # A session is not thread-safe, and boto3 is slow to import.
        import boto3
        from botocore.config import Config

        if self._session is None:
            self._session = boto3.session.Session(botocore_session=session_apart())
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            s3={"addressing_style": "path"},
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=16,
        )
        return self._session.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=config,
        )

    def assume_role(
        self, role_arn: str, service: str, session: str, source_arn: str, offset: float
    ) -> Credentials:
        """A role's credentials for a service; raises RoleError when its trust policy says no."""
        answer = self.call(
            "POST",
            "/assume-role",
            {
                "role_arn": role_arn,
                "service": service,
                "session": session,
                "source_arn": source_arn,
                "offset": offset,
            },
        )
        if "code" in answer:
            raise RoleError(answer["code"], answer["message"])
        return Credentials(
            answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"], answer["Expiration"]
        )

    def faults(self, change: dict[str, Any]) -> dict[str, Any]:
        """The faults that may still strike, after a change; raises ConfigError on a bad one."""
        kinds: dict[str, Any] = self.call("POST", "/faults", {})["kinds"]
        kind = change.get("add", {}).get("kind")
        if kind is not None and kind not in kinds:
            raise ConfigError(f"there is no fault {kind!r}", hint=f"there are {', '.join(kinds)}")
        answer: dict[str, Any] = self.call("POST", "/faults", change)
        return answer

    def reset(self) -> None:
        """Wipe all that the emulator holds."""
        self.call("POST", "/_ministack/reset", {}, timeout=60)

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = 30) -> Any:
        """One of the gateway's own routes; a refusal (403) comes back as its document."""
        route = path if path.startswith("/_ministack/") else f"/_toolkit{path}"
        request = urllib.request.Request(
            f"{self.endpoint}{route}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={_TOKEN_HEADER: self._token},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return json.load(error)
