"""Resolve the image of a deployment to a digest: ``repository@sha256:…``, never a mutable tag."""

from collections.abc import Mapping

from toolkit.actions.context import Context
from toolkit.core.errors import ConfigError, ImageError


def resolve_image(context: Context, platform: Mapping[str, str]) -> str:
    """The image URI to deploy.

    On the embedded AWS the workloads' source is packed into an image of its own and pushed to the
    emulated repository. On AWS the image must have been pushed and named.
    """
    named = context.config.image
    if named is not None:
        if "@sha256:" not in named:
            raise ConfigError(
                f"image {named!r} in toolkit.toml is not pinned",
                hint="name it by digest: repository@sha256:…",
            )
        return named
    repository = platform["RepositoryUri"]
    if not context.local:
        raise ImageError(
            "no image is set", hint="build and push it, then set image in toolkit.toml"
        )
    from toolkit.adapters.registry import push_process_image

    endpoint = context.aws.endpoint.url
    assert endpoint is not None
    digest = push_process_image(
        endpoint, platform["RepositoryName"], context.project.root / "workloads"
    )
    context.console.say(f"image {digest[:19]}… is in {platform['RepositoryName']}")
    return f"{repository}@{digest}"
