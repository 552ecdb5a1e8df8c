"""How the engine calls the emulator: plain boto3, at a chosen offset of the clock."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from attrs import field, frozen

from toolkit.adapters.aws.session import session_apart
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


class _Caller:
    """A client that others share, as one of its callers has it."""

    def __init__(self, client: Any, credentials: Credentials, offset: float | None) -> None:
        self._client = client
        self._identity = credentials, offset

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in ("exceptions", "meta"):
            return found

        def call(*names: Any, **arguments: Any) -> Any:
            _calling.identity = self._identity
            return found(*names, **arguments)

        return call


class _CallersCredentials:
    """Where botocore finds the credentials of whoever calls in this thread."""

    method = "embedded"

    def load_credentials(self) -> "_CallersCredentials":
        """It is asked once for each client."""
        return self

    def get_deferred_property(self, _name: str) -> Callable[[], None]:
        """Nothing else is known of a caller."""
        return lambda: None

    def get_frozen_credentials(self) -> Any:
        """It is asked once for each request."""
        from botocore.credentials import ReadOnlyCredentials

        credentials, _offset = _calling.identity
        return ReadOnlyCredentials(
            credentials.access_key, credentials.secret_key, credentials.token or None
        )


_calling = threading.local()


def _tell_offset(request: Any, **_: Any) -> None:
    _credentials, offset = _calling.identity
    if offset is not None:
        request.headers.add_header(_OFFSET_HEADER, str(offset))


class RoleError(Exception):
    """A service may not assume a role; ``code`` and the message are AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Emulator:
    """The emulator's two sides: AWS's APIs, and the routes of its gateway.

    Making a client costs 15 ms of CPU, and each task would need five. So there is one client for
    all callers of a service; who calls, and at which time, is told with each call.
    """

    def __init__(self, endpoint: str, token: str, keys: Keys) -> None:
        self.endpoint = endpoint
        self._token = token
        self._own = Credentials(keys.engine_access_key, keys.secret_key, "", float("inf"))
        self._session: Any = None
        self._clients: dict[tuple[str, str, int], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str) -> Any:
        """The account's own client, at the engine's time; injected faults spare it."""
        return _Caller(self._client(service, region, 2), self._own, None)

    def client_at(self, offset: float, service: str, region: str) -> Any:
        """The account's own client, at the time of one task."""
        return _Caller(self._client(service, region, 2), self._own, offset)

    def client_as(self, role: Credentials, service: str, region: str, *, attempts: int = 1) -> Any:
        """A client with a role's credentials, which makes so many attempts at every call."""
        return _Caller(self._client(service, region, attempts), role, None)

    def _client(self, service: str, region: str, attempts: int) -> Any:
        with self._lock:  # a session is not thread-safe
            key = (service, region, attempts)
            if key not in self._clients:
                self._clients[key] = self._make(*key)
            return self._clients[key]

    def _make(self, service: str, region: str, attempts: int) -> Any:
        # boto3 is slow to import.
        import boto3
        from botocore.config import Config

        if self._session is None:
            session = session_apart()
            session.register_component("credential_provider", _CallersCredentials())
            self._session = boto3.session.Session(botocore_session=session)
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            s3={"addressing_style": "path"},
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=16,
            # Of 10,000 lines of log it takes longer than the call.
            parameter_validation=service != "logs",
        )
        client = self._session.client(
            service, region_name=region, endpoint_url=self.endpoint, config=config
        )
        client.meta.events.register("before-sign", _tell_offset)
        return client

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
                if error.code != HTTPStatus.FORBIDDEN:
                    raise  # it says the status; why stands in emulator.log
                return json.load(error)
