"""Delete images that nothing needs: no active task definition and no release of the app names them.

ECR's own rules cannot see task definitions, so none of them counts images. Untagged ones go by such
a rule; this looks at all others. Whatever cannot be read ends it before anything is deleted.
"""

from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from toolkit.adapters.aws.belongings import Belongings
from toolkit.adapters.aws.ecr import StoredImage
from toolkit.adapters.bucket.lock import DeployLock
from toolkit.app.app import App
from toolkit.core.deploying.image import ImageName
from toolkit.core.errors import ImageError, ToolkitError
from toolkit.runtime.contract import parse_time


@frozen
class Unused:
    """The images that nothing names, and how many stay: named ones, and ones that are too new."""

    images: tuple[StoredImage, ...]
    named: int
    recent: int

    @property
    def size(self) -> int:
        """Their compressed bytes."""
        return sum(image.size for image in self.images)


def unused(app: App, before: datetime) -> Unused:
    """What could be deleted: pushed before a time and named by nothing.

    The parts of an image for several platforms are left to ECR, which spares them while it stands.

    Raises:
        ImageError: a task definition, a release or an image cannot be read.
    """
    repository = app.platform.repository_name
    try:
        stored = app.ecr.images(repository)
        references = {*Belongings(app.aws, app.name).images(), *app.releases.images()}
        named = _named(references, app.platform.repository_uri, stored)
        parts = app.ecr.parts(repository, [image.digest for image in stored if image.is_index])
    except ToolkitError as error:
        message = f"{error.message}: no image was deleted, because it may name one"
        raise ImageError(message, hint=error.hint) from error
    whole = [image for image in stored if image.digest not in parts]
    free = [image for image in whole if image.digest not in named]
    old = [image for image in free if image.pushed_at and parse_time(image.pushed_at) < before]
    return Unused(tuple(old), len(whole) - len(free), len(free) - len(old))


def prune(app: App, shown: Unused, before: datetime) -> list[StoredImage]:
    """Delete what was shown, but for what is needed by now; the deploy lock keeps others away.

    Raises:
        ImageError: ECR did not delete some of them.
    """
    with DeployLock(app.aws, app.platform.bucket_name).held_by(app.console.say):
        still = {image.digest for image in unused(app, before).images}
        doomed = [image for image in shown.images if image.digest in still]
        digests = [image.digest for image in doomed]
        failures = app.ecr.delete(app.platform.repository_name, digests)
    if failures:
        digest, reason = next(iter(failures.items()))
        raise ImageError(f"{len(failures)} of {len(doomed)} images stay; {digest}: {reason}")
    return doomed


def _named(references: Iterable[str], repository: str, stored: Iterable[StoredImage]) -> set[str]:
    """The digests that references name: by digest in any repository, by tag in ours."""
    found, tags = set(), set()
    for reference in references:
        name = ImageName.parse(reference)
        if name.digest:
            found.add(name.digest)
        elif name.repository == repository:
            tags.add(name.tag or "latest")
    return found | {image.digest for image in stored if not tags.isdisjoint(image.tags)}
