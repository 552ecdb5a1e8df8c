"""The door to AWS: one session, its clients, and the translation of AWS's errors."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import frozen

from toolkit.core.errors import ConfigError, RunError, ToolkitError

if TYPE_CHECKING:
    import boto3

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


class Aws:
    """Clients on demand; each is made once, because making one costs a tenth of a second."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._session: boto3.Session | None = None
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The client of a service; typed where it is used."""
        if service not in self._clients:
            from botocore.config import Config

            with translated(f"a client for {service}"):
                self._clients[service] = self._open().client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self.endpoint.url,
                    config=Config(
                        retries={"mode": "standard", "total_max_attempts": 5},
                        connect_timeout=10,
                        read_timeout=_SECONDS,
                        max_pool_connections=CONNECTIONS,
                    ),
                )
        return self._clients[service]

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
        if self._session is None:
            import boto3

            self._session = boto3.Session(
                region_name=self.endpoint.region,
                aws_access_key_id=self.endpoint.access_key,
                aws_secret_access_key=self.endpoint.secret_key,
                profile_name=self.endpoint.profile,
            )
        return self._session


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
        raise ConfigError("no AWS region is set", hint="set region in toolkit.toml") from error
    except EndpointConnectionError as error:
        raise ToolkitError(
            f"{what}: {error}", hint="check the network; for the embedded AWS: toolkit local status"
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
