"""The door to AWS: one session, its clients, and the translation of AWS's errors."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from attrs import frozen

from toolkit.core.calls import AwsCall
from toolkit.core.errors import ConfigError, RunError, ToolkitError

if TYPE_CHECKING:
    import boto3
    import botocore.session

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
_EXPIRED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
    }
)
_SECONDS = 60
_SHOWN = 200
_BEGINNING = 20
Explain = Callable[[str, str], str]
# As many calls of one service at a time as threads ask for; with fewer connections (botocore's 10)
# the others would each open one of their own, and throw it away.
CONNECTIONS = 32


@frozen
class Endpoint:
    """Where AWS is: the real one, or the embedded one with its URL and its fixed credentials."""

    region: str | None = None
    url: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    profile: str | None = None


Observe = Callable[[AwsCall], None]


class Aws:
    """Clients on demand; each is made once, because making one costs a tenth of a second.

    Any thread may ask. ``observe`` is told of every call when it has ended.
    """

    def __init__(self, endpoint: Endpoint, observe: Observe | None = None) -> None:
        self.endpoint = endpoint
        self._observe = observe
        # Making a client, and boto3's session itself, is not safe among threads:
        # https://boto3.amazonaws.com/v1/documentation/api/latest/guide/session.html#multithreading-or-multiprocessing-with-sessions
        self._lock = RLock()
        self._session: boto3.Session | None = None
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The client of a service; typed where it is used."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._made(service)
            return self._clients[service]

    def _made(self, service: str) -> Any:
        from botocore.config import Config

        with translated(f"a client for {service}"):
            return self._open().client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.endpoint.url,
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 5},
                    connect_timeout=10,
                    read_timeout=_SECONDS,
                    max_pool_connections=CONNECTIONS,
                    # What runs on this machine is not asked through the person's proxy.
                    proxies=None if self.endpoint.url is None else {},
                ),
            )

    @property
    def region(self) -> str:
        """The region in use."""
        with translated("the session"):
            region = self._open().region_name
        if region is None:
            raise ConfigError(
                "no AWS region is set", hint="set region in toolkit.toml, or AWS_REGION, or --local"
            )
        return str(region)

    def _open(self) -> "boto3.Session":
        with self._lock:
            if self._session is None:
                import boto3

                self._session = boto3.Session(
                    botocore_session=None if self.endpoint.url is None else session_apart(),
                    # boto3 reads AWS_DEFAULT_REGION alone; the other SDKs and the CLI, both.
                    region_name=self.endpoint.region or os.environ.get("AWS_REGION") or None,
                    aws_access_key_id=self.endpoint.access_key,
                    aws_secret_access_key=self.endpoint.secret_key,
                    profile_name=self.endpoint.profile,
                )
                self._session.events.register("before-parse", _refuse_pages)
                if self._observe is not None:
                    _watch(self._session, self._observe)
            return self._session


def _refuse_pages(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Refuse a web page as an answer; botocore would make an empty one of it, or choke on it."""
    from botocore.parsers import ResponseParserError

    if operation_model.has_streaming_output:
        return
    body = bytes(response_dict["body"])
    if body.lstrip()[:_BEGINNING].lower().startswith((b"<html", b"<!doctype html")):
        text = body.decode(errors="replace")
        raise ResponseParserError(f"HTTP {response_dict['status_code']}, a web page: {text}")


def redirections(profile: str | None) -> list[str]:
    """What leads calls elsewhere than to AWS: the variables and the profile's key, with the URL.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    import botocore.session

    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return []
    named = [f"{name}={url}" for name, url in sorted(os.environ.items()) if _is_endpoint(name)]
    session = botocore.session.Session(profile=profile)
    with translated("the profile"):
        url = session.get_scoped_config().get("endpoint_url")
    return [*named, f"endpoint_url={url} of the profile"] if url else named


def _is_endpoint(name: str) -> bool:
    return name == "AWS_ENDPOINT_URL" or name.startswith("AWS_ENDPOINT_URL_")


def session_apart() -> "botocore.session.Session":
    """A session that neither the environment nor the configuration files of a person can steer."""
    from botocore.session import Session

    known = Session.SESSION_VARIABLES
    closed = {name: (None, None, default, cast) for name, (_, _, default, cast) in known.items()}
    nowhere = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    return Session(session_vars={**closed, **nowhere})


def _watch(session: "boto3.Session", observe: Observe) -> None:
    """Tell of every call of a session's clients, once with all its retries.

    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html
    """

    def began(model: Any, context: dict[str, Any], **_: Any) -> None:
        context["toolkit"] = (model.service_model.service_name, model.name, time.monotonic())

    def ended(context: dict[str, Any], error: str) -> None:
        service, operation, start = context["toolkit"]
        retries = context.get("retries", {}).get("attempt", 1) - 1
        observe(AwsCall(service, operation, time.monotonic() - start, retries, error))

    def answered(parsed: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        ended(context, str(parsed.get("Error", {}).get("Code", "")))

    def failed(exception: Exception, context: dict[str, Any], **_: Any) -> None:
        ended(context, type(exception).__name__)

    session.events.register("before-call", began)
    session.events.register("after-call", answered)
    session.events.register("after-call-error", failed)


@contextmanager
def translated(
    what: str, explain: Explain | None = None, **kinds: type[ToolkitError]
) -> Iterator[None]:
    """Turn AWS's errors about ``what`` into ToolkitErrors; ``kinds`` maps codes to classes.

    ``explain`` makes a hint of the code and the message of an error that has none of its own.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        EndpointConnectionError,
        NoCredentialsError,
        NoRegionError,
    )
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _translate(what, error.response.get("Error", {}), explain, kinds) from error
    except NoCredentialsError as error:
        raise ConfigError(
            "no AWS credentials were found",
            hint="run `aws configure`, set AWS_PROFILE, or use the embedded AWS: --local",
        ) from error
    except NoRegionError as error:
        raise ConfigError(
            "no AWS region is set", hint="set region in toolkit.toml, or AWS_REGION"
        ) from error
    except EndpointConnectionError as error:
        raise ToolkitError(
            f"{what}: {error}", hint="check the network; for the embedded AWS: toolkit local status"
        ) from error
    except ResponseParserError as error:
        raise ToolkitError(
            f"{what}: the answer is not one of AWS: {' '.join(str(error).split())[:_SHOWN]}",
            hint="a proxy or a gateway may have answered: look at HTTPS_PROXY and AWS_ENDPOINT_URL",
        ) from error
    except BotoCoreError as error:
        raise ToolkitError(f"{what}: {error}") from error


def _translate(
    what: str,
    detail: Mapping[str, Any],
    explain: Explain | None,
    kinds: Mapping[str, type[ToolkitError]],
) -> ToolkitError:
    code, message = str(detail.get("Code", "")), str(detail.get("Message", ""))
    text = f"{what}: {message or code} ({code})"
    if code in kinds:
        return kinds[code](text)
    if code in _DENIED:
        return ToolkitError(
            text, hint="your credentials lack this permission; see docs/security.md"
        )
    if code in _EXPIRED:
        return ConfigError(text, hint="renew your credentials: aws sso login, or aws configure")
    if code == "ClusterNotFoundException":
        return RunError(text, hint="deploy the platform first: toolkit deploy")
    if explain is not None:
        return RunError(text, hint=explain(code, message))
    return ToolkitError(text)
