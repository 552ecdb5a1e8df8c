"""Package the project as a release, and read an earlier one back."""

from collections.abc import Mapping

from attrs import frozen

from toolkit.adapters.ecr import Ecr
from toolkit.adapters.releases import Packaged, Releases
from toolkit.app.context import Context
from toolkit.app.deploying.image import resolve_image
from toolkit.core.deploying import plans
from toolkit.core.deploying.image import ImageName
from toolkit.core.deploying.release import Release
from toolkit.core.errors import ConfigError, ImageError
from toolkit.core.schedules.schedule_file import check_settings
from toolkit.core.schedules.target import scheduler_input


@frozen
class Package:
    """A packaged release; ``new`` is false where the same one was in the bucket already."""

    id: str
    bucket: str
    image: str
    new: bool


def package(context: Context) -> Package:
    """Build and push the image if need be, and write the release; the platform must be deployed."""
    check_schedules(context)
    platform = context.platform()
    image = resolve_image(context, platform)
    release = build(context, image, {context.config.app.platform_stack: platform})
    identity, new = Releases(context.aws, platform["BucketName"]).write(release)
    return Package(identity, platform["BucketName"], release.image, new)


def listed(context: Context) -> list[Packaged]:
    """The releases in the bucket, the newest first."""
    return Releases(context.aws, context.platform()["BucketName"]).listed()


def build(context: Context, image: str, outputs: Mapping[str, Mapping[str, str]]) -> Release:
    """The release that the project's files make with an image."""
    config, project = context.config, context.project
    schedules = project.schedules().values()
    workloads = [project.catalog.workload(name) for name in sorted(project.catalog.workloads)]
    specs = [plans.platform_spec(config)]
    specs += [plans.workload_spec(config, workload, image) for workload in workloads]
    specs += [plans.schedule_spec(config, schedule) for schedule in schedules]
    nouns = (plans.PLATFORM, plans.WORKLOAD, plans.SCHEDULE)
    return Release(
        app=context.app,
        image=image,
        specs=tuple(specs),
        templates={noun: project.template(noun) for noun in nouns},
        sources=project.sources(),
        outputs=outputs,
    )


def load(context: Context, prefix: str) -> tuple[str, Release]:
    """An earlier release by the beginning of its id; its image must still be in the registry."""
    platform = context.platform()
    identity, release = Releases(context.aws, platform["BucketName"]).read(prefix)
    if release.app != context.app:
        raise ConfigError(f"release {identity} is one of the app {release.app}, not {context.app}")
    name = ImageName.parse(release.image)
    ours = name.repository == platform["RepositoryUri"]
    if ours and name.digest and not Ecr(context.aws).holds(platform["RepositoryName"], name.digest):
        raise ImageError(
            f"the image of release {identity} is not in {platform['RepositoryName']} any more",
            hint="check its source out and deploy that: toolkit deploy builds it again",
        )
    return identity, release


def check_schedules(context: Context) -> None:
    """Refuse what could not be deployed before anything is."""
    for schedule in context.project.schedules().values():
        env = context.config.environment_of(schedule.workload, schedule.env)
        workload = context.project.catalog.workload(schedule.workload)
        check_settings(f"schedules/{schedule.name}.toml", workload, env)
        scheduler_input(schedule.name, env)
