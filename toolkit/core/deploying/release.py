"""A release: everything that a deployment needs, under an id that is the hash of its content.

Its index names each file with its SHA-256, and the id is the hash of the index: so a release that
was read back is known to be the one that was packaged. Same content, same id; nothing in it tells
when, where or by whom it was made.

    release.json                        the index: app, image, stacks, checksums
    templates/<noun>.yaml               as they were
    templates/<stack>.yaml              of a workload with secrets or policies, rendered
    stacks/<noun>/<stack>/*.json        parameters and tags for `aws cloudformation deploy`
    deploy.sh                           deploys the release with the plain AWS CLI
    catalog/<digest>.json               what runs of each workload are judged by
    catalog.toml, schedules/*.toml      the sources, to look at
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from attrs import field, frozen

from toolkit.core.deploying.plans import Spec
from toolkit.core.errors import ConfigError
from toolkit.runtime import documents
from toolkit.runtime.contract import catalog_key
from toolkit.runtime.documents import FORMAT, DocumentError

INDEX = "release.json"
_ID_DIGITS = 16


@frozen
class Release:
    """What to deploy; ``templates`` go by noun, or by stack where it has its own.

    ``sources`` go by path.

    ``outputs``, by stack and name, are those of the stacks that were deployed when it was packaged.
    They fill in the parameter files and nothing else: a deployment by the toolkit takes the outputs
    that it finds. ``rows`` are the catalog rows of the workloads by their digests.
    """

    app: str
    image: str
    specs: tuple[Spec, ...]
    templates: Mapping[str, str]
    sources: Mapping[str, str] = {}
    outputs: Mapping[str, Mapping[str, str]] = field(factory=dict, eq=False)
    rows: Mapping[str, str] = field(factory=dict, eq=False)

    def files(self) -> dict[str, str]:
        """All files by path, the index last."""
        files = {f"templates/{noun}.yaml": text for noun, text in self.templates.items()}
        files |= self.sources
        files |= {catalog_key(digest): row for digest, row in self.rows.items()}
        for spec in self.specs:
            spec.check(self.template_of(spec))
            folder = f"stacks/{spec.noun}/{spec.name}"
            files[f"{folder}/parameters.json"] = _pairs(self._filled(spec))
            files[f"{folder}/tags.json"] = _pairs(spec.tags(self.template_of(spec)))
        index = {
            FORMAT: "release/1",
            "app": self.app,
            "image": self.image,
            "stacks": [
                {
                    "name": spec.name,
                    "noun": spec.noun,
                    "parameters": dict(sorted(spec.parameters.items())),
                    "wires": dict(sorted(spec.wires.items())),
                    **({"tags": dict(sorted(spec.own_tags.items()))} if spec.own_tags else {}),
                }
                for spec in self.specs
            ],
            "files": {path: _sha256(text) for path, text in sorted(files.items())},
        }
        return {**files, INDEX: json.dumps(index, indent=1) + "\n"}

    def template_of(self, spec: Spec) -> str:
        """The template of one stack."""
        return self.templates.get(spec.name) or self.templates[spec.noun]

    def of(self, noun: str) -> list[Spec]:
        """The stacks of one layer."""
        return [spec for spec in self.specs if spec.noun == noun]

    def _filled(self, spec: Spec) -> dict[str, str]:
        """A stack's parameters; an output that is not known yet stands as ``@stack@``."""
        wired = {
            name: self.outputs.get(stack, {}).get(name, f"@{stack}@")
            for name, stack in spec.wires.items()
        }
        return {**spec.parameters, **wired}


def release_id(index: str) -> str:
    """The id of the release with this index: 16 hexadecimal digits."""
    return _sha256(index)[:_ID_DIGITS]


def wanted_files(index: str) -> dict[str, str]:
    """The files that deploying needs, the templates, with their SHA-256, as the index has them."""
    files = _read(index).files
    return {path: digest for path, digest in files.items() if path.startswith("templates/")}


def parse(identity: str, index: str, files: Mapping[str, str]) -> Release:
    """A release that was read back; raises ConfigError when it is not what was packaged."""
    if release_id(index) != identity:
        raise altered(identity, INDEX)
    document = _read(index)
    for path, digest in wanted_files(index).items():
        if _sha256(files[path]) != digest:
            raise altered(identity, path)
    return Release(
        app=document.app,
        image=document.image,
        specs=tuple(
            Spec(document.app, row.name, row.noun, row.parameters, row.wires, row.tags)
            for row in document.stacks
        ),
        templates={
            path.removeprefix("templates/").removesuffix(".yaml"): text
            for path, text in files.items()
        },
    )


def images_of(index: str) -> set[str]:
    """The images that the release with this index names."""
    document = _read(index)
    named = {row.parameters["ImageUri"] for row in document.stacks if "ImageUri" in row.parameters}
    return {document.image, *named}


def choose(prefix: str, known: Iterable[str]) -> str:
    """The one release whose id begins with ``prefix``; raises ConfigError for none or several."""
    fitting = sorted({identity for identity in known if identity.startswith(prefix)})
    if len(fitting) != 1:
        found = f"several: {', '.join(fitting)}" if fitting else "none"
        raise ConfigError(
            f"--release {prefix} matches several releases: {found}",
            hint="toolkit package --list shows them",
        )
    return fitting[0]


@frozen
class _IndexedStack:
    """A stack in the index of a release."""

    name: str
    noun: str
    parameters: Mapping[str, str]
    wires: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}


@frozen
class _Index:
    """The index of a release, as it was read back."""

    app: str
    image: str
    stacks: tuple[_IndexedStack, ...]
    files: Mapping[str, str]


def _read(index: str) -> _Index:
    try:
        return documents.read(_Index, documents.load(index, "release"), "release")
    except DocumentError as error:
        raise ConfigError(
            str(error),
            hint="deploy it with the toolkit that packaged it, or with its own deploy.sh",
        ) from error


def altered(identity: str, path: str) -> ConfigError:
    """The error of a file that is not what was packaged."""
    return ConfigError(
        f"release {identity}: {path} differs from what was packaged",
        hint="restore the object's first version (the bucket keeps versions), or package again",
    )


def _pairs(values: Mapping[str, str]) -> str:
    # One of the forms that --parameter-overrides and --tags take by file://, in both AWS CLIs.
    return json.dumps([f"{key}={value}" for key, value in sorted(values.items())], indent=1) + "\n"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
