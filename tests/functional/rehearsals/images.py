"""An OCI index over a process image, for one architecture: what `docker buildx` pushes."""

import hashlib
import json
import urllib.request

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def push_index(endpoint: str, login: str, image: str, architecture: str) -> str:
    """Push an index whose only image is that one, said to be for Linux on ``architecture``.

    ``login`` is the token of GetAuthorizationToken. Returns its reference by digest.
    https://github.com/opencontainers/image-spec/blob/main/image-index.md
    """
    repository, _, digest = image.partition("@")
    manifests = f"{endpoint}/v2/{repository.partition('/')[2]}/manifests"
    headers = {"Authorization": f"Basic {login}"}
    found = urllib.request.Request(f"{manifests}/{digest}", headers=headers)
    with urllib.request.urlopen(found) as answer:
        size = len(answer.read())
    platform = {"architecture": architecture, "os": "linux"}
    row = {"mediaType": _MANIFEST, "digest": digest, "size": size, "platform": platform}
    document = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [row]}
    content = json.dumps(document).encode()
    made = f"sha256:{hashlib.sha256(content).hexdigest()}"
    request = urllib.request.Request(
        f"{manifests}/{made}", content, {**headers, "Content-Type": _INDEX}, method="PUT"
    )
    urllib.request.urlopen(request).close()
    return f"{repository}@{made}"
