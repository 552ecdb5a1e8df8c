"""`toolkit image prune` on the embedded AWS: what is named stays, and doubt ends it."""

from collections.abc import Callable
from typing import Any

from tests.functional.conftest import Project

from .conftest import APP, DEPLOY, image_of

PRUNE = ("image", "prune", "--local", "--older-than", "0s")


def digests(project: Project) -> set[str]:
    pages = project.aws("ecr").get_paginator("describe_images").paginate(repositoryName=APP)
    return {row["imageDigest"] for page in pages for row in page["imageDetails"]}


def pushed(project: Project) -> str:
    uri: str = project.toolkit("image", "push", "--local", "--json").json()["uri"]
    return uri.rpartition("@")[2]


def test_what_nothing_names_goes_and_what_is_deployed_or_released_stays(
    shipped: Project, bucket: str, edited: Callable[[str, str, str], None]
) -> None:
    edited("workloads/__init__.py", "What runs", "Deployed: what runs")
    release = shipped.toolkit(*DEPLOY, "--json").json()["release"]
    deployed = image_of(shipped).rpartition("@")[2]
    edited("workloads/__init__.py", "Deployed: what runs", "Packaged: what runs")
    shipped.toolkit("package", "--local")
    edited("workloads/__init__.py", "Packaged: what runs", "Only pushed: what runs")
    loose = pushed(shipped)
    before = digests(shipped)
    assert {deployed, loose} <= before

    young = shipped.toolkit("image", "prune", "--local", "--yes")
    assert "too new to tell" in young.err
    assert digests(shipped) == before

    dry: Any = shipped.toolkit(*PRUNE, "--dry-run", "--json").json()
    unused = {row["digest"] for row in dry["unused"]}  # other tests leave some, too
    assert loose in unused
    assert deployed not in unused
    assert all(row["size"] > 0 for row in dry["unused"])
    assert dry["deleted"] == []
    assert digests(shipped) == before

    declined = shipped.toolkit(*PRUNE, code=1)
    assert loose[:19] in declined.out
    assert " MB" in declined.out
    assert digests(shipped) == before

    key = f"releases/{release}/release.json"
    text = shipped.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    shipped.aws("s3").put_object(Bucket=bucket, Key=key, Body=b'{"format": "release/9"}')
    try:
        refused = shipped.toolkit(*PRUNE, "--yes", code=None)
        assert refused.code == 3
        assert "release" in refused.err
        assert digests(shipped) == before
    finally:
        shipped.aws("s3").put_object(Bucket=bucket, Key=key, Body=text)

    done = shipped.toolkit(*PRUNE, "--yes")
    assert f"deleted {len(unused)} image" in done.out
    assert digests(shipped) == before - unused
    assert "0 images" in shipped.toolkit(*PRUNE, "--yes").err
    shipped.toolkit(*DEPLOY, "--release", release[:8])
