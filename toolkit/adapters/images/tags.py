"""Which digest a tag stands for, asked of the registry itself.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#checking-if-content-exists-in-the-registry
"""

import base64
import urllib.error
import urllib.request
from http import HTTPStatus

from toolkit.core.deploying.image import ImageName, explain
from toolkit.core.errors import ImageError

_SECONDS = 20
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def resolve(name: ImageName, login: tuple[str, str] | None = None) -> str | None:
    """The digest that the registry has for a tag (or digest); None when it has none.

    ``login`` is a user name and password, as ECR's authorization token holds them. A registry on
    this machine is asked over HTTP, as docker does. Raises ImageError when the registry refuses or
    cannot be reached; a repository that does not exist is such a refusal.
    """
    scheme = "http" if name.host.partition(":")[0] in {"localhost", "127.0.0.1"} else "https"
    address = f"{scheme}://{name.host}/v2/{name.path}/manifests/{name.digest or name.tag}"
    headers = {"Accept": ", ".join(MANIFESTS)}
    if login is not None:
        pair = base64.b64encode(":".join(login).encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - http or https
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return str(answer.headers["Docker-Content-Digest"])
    except urllib.error.HTTPError as error:
        told = error.read().decode(errors="replace")
        if error.code == HTTPStatus.NOT_FOUND and "NAME_UNKNOWN" not in told:
            return None
        words = f"{error.code} {error.reason} {told.replace('_', ' ')}"
        raise explain(f"look up {name}", words) from error
    except OSError as error:
        raise ImageError(
            f"cannot look up {name}: {error}", hint="check the network and the registry's name"
        ) from error
