"""The region that the embedded AWS names first is that of the project's deployments to it."""

from pathlib import Path

import pytest

from toolkit.app.local import region_of


@pytest.mark.parametrize(
    ("config", "region"),
    [
        ('[default]\napp = "nightly"\nregion = "eu-central-1"\n', "eu-central-1"),
        (
            '[default]\napp = "nightly"\nregion = "eu-central-1"\n[local]\nregion = "eu-west-1"',
            "eu-west-1",
        ),
        ('[default]\napp = "nightly"\n', "us-east-1"),
        ("not TOML", "us-east-1"),
    ],
)
def test_the_region_is_that_of_local_deployments(tmp_path: Path, config: str, region: str) -> None:
    (tmp_path / "toolkit.toml").write_text(config)
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads" / "catalog.toml").write_text("")
    assert region_of(tmp_path) == region
