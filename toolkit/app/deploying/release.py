"""Package the project as a release, and read an earlier one back."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from toolkit.adapters.bucket.releases import Packaged
from toolkit.adapters.iam_reference import ServiceAuthorization
from toolkit.app.app import App
from toolkit.app.deploying import audit
from toolkit.app.deploying.image import resolve_image
from toolkit.core.deploying import parameters, plans, user_policy
from toolkit.core.deploying.image import ImageName
from toolkit.core.deploying.release import Release
from toolkit.core.deploying.strays import refuse
from toolkit.core.deploying.workload_template import rendered
from toolkit.core.errors import ConfigError, ImageError
from toolkit.core.names import AUDIT
from toolkit.core.schedules.schedule_file import check_settings
from toolkit.core.schedules.target import scheduler_input
from toolkit.runtime.catalog import Workload


@frozen
class Package:
    """A packaged release; ``new`` is false where the same one was in the bucket already."""

    id: str
    bucket: str
    image: str
    new: bool


def package(app: App) -> Package:
    """Build and push the image if need be, and write the release; the platform must be deployed."""
    check_project(app)
    image = resolve_image(app)
    release = build(app, image, {app.names.platform_stack: app.platform.values})
    identity, new = app.releases.write(release)
    return Package(identity, app.platform.bucket_name, release.image, new)


def listed(app: App) -> list[Packaged]:
    """The releases in the bucket, the newest first."""
    return app.releases.listed()


def build(app: App, image: str, outputs: Mapping[str, Mapping[str, str]]) -> Release:
    """The release that the project's files make with an image."""
    config, project = app.config, app.project
    schedules = project.schedules(config).values()
    names = sorted(project.catalog.workloads)
    workloads = [config.sized(project.catalog.workload(name)) for name in names]
    specs = [plans.platform_spec(config)]
    specs += [plans.workload_spec(config, workload, image) for workload in workloads]
    specs += [plans.schedule_spec(config, schedule) for schedule in schedules]
    nouns = (plans.PLATFORM, plans.WORKLOAD, plans.SCHEDULE)
    return Release(
        app=app.name,
        image=image,
        specs=tuple(specs),
        templates={noun: project.template(noun) for noun in nouns}
        | _own_templates(app, workloads, outputs[app.names.platform_stack]["BucketName"]),
        sources=project.sources(),
        outputs=outputs,
        rows={workload.digest: workload.row().decode() for workload in workloads},
    )


def _own_templates(app: App, workloads: Iterable[Workload], bucket: str) -> dict[str, str]:
    """The rendered templates of the workloads that declare secrets or policies, by stack."""
    template = app.project.template(plans.WORKLOAD)
    templates = {}
    for workload in workloads:
        if workload.name == AUDIT:
            templates[app.names.workload_stack(AUDIT)] = app.project.template(AUDIT)
        if workload.secrets or workload.policies:
            statements = _statements(app, workload, bucket)
            stack = app.names.workload_stack(workload.name)
            templates[stack] = rendered(template, workload, statements)
            for line in user_policy.rights(workload, statements):
                app.console.say(line)
    return templates


def _statements(app: App, workload: Workload, bucket: str) -> list[Any]:
    lifecycle = f"/aws/events/{app.name}/lifecycle"
    found = []
    for path in workload.policies:
        text = app.project.text(path)
        rows = user_policy.statements(
            path, text, bucket=bucket, lifecycle=lifecycle, workload=workload.name
        )
        user_policy.lint(path, rows, ServiceAuthorization())
        found += rows
    return found


def load(app: App, prefix: str) -> tuple[str, Release]:
    """An earlier release by the beginning of its id; its image must still be in the registry."""
    platform = app.platform
    identity, release = app.releases.read(prefix)
    if release.app != app.name:
        raise ConfigError(f"release {identity} belongs to app {release.app}, not {app.name}")
    name = ImageName.parse(release.image)
    ours = name.repository == platform.repository_uri
    if ours and name.digest and not app.ecr.holds(platform.repository_name, name.digest):
        raise ImageError(
            f"the image of release {identity} is not in {platform.repository_name} any more",
            hint="check out its source and build the image again: toolkit deploy",
        )
    return identity, release


def check_project(app: App) -> None:
    """Refuse what could not be deployed before anything is."""
    config = app.config
    refuse(config.strays)
    nouns = {plans.PLATFORM: config.platform, plans.WORKLOAD: config.workload}
    for noun, given in {**nouns, plans.SCHEDULE: config.schedule}.items():
        parameters.check(config.environment, noun, given, app.project.template(noun))
    audit.check(config)
    if config.audit:
        template = app.project.template(AUDIT)
        parameters.check(config.environment, AUDIT, config.audit_parameters, template)
    for workload in map(config.sized, app.project.catalog.workloads.values()):
        if workload.secrets or workload.policies:
            # Before the platform stands, no bucket of that name exists.
            statements = _statements(app, workload, bucket="-")
            rendered(app.project.template(plans.WORKLOAD), workload, statements)
    for schedule in app.project.schedules(config).values():
        env = config.environment_of(schedule.workload, schedule.env)
        workload = app.project.catalog.workload(schedule.workload)
        check_settings(f"schedules/{schedule.name}.toml", workload, env)
        scheduler_input(schedule.name, env, schedule.overlap)
