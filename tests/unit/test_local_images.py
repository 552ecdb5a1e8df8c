"""What an image's configuration may say to the engine."""

from pathlib import Path

import pytest

from toolkit.local.agent.images import PullError, _image


@pytest.mark.parametrize("place", ["..", "/..", "/app/../..", "app/..", "/../../state"])
def test_a_working_directory_leads_out_of_no_image(place: str) -> None:
    with pytest.raises(PullError, match="leads out of it"):
        _image("sha256:0", Path("/images/0"), {"WorkingDir": place}, None)


@pytest.mark.parametrize("place", ["", "/", "/app", "app", "//app", "/..app"])
def test_a_working_directory_is_below_the_root_of_its_image(place: str) -> None:
    root = Path("/images/0")
    found = _image("sha256:0", root, {"WorkingDir": place}, None).working_directory
    assert found.is_relative_to(root)
