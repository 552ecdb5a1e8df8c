"""Files that an earlier engine left are believed as far as they make sense."""

import shutil
from pathlib import Path

import pytest

from toolkit.local.engine import _Kept
from toolkit.local.keys import Keys

BAD = ["", "{", "[]", "null", '"x"', '{"more": 1}']


@pytest.mark.parametrize(
    "text",
    [
        *BAD,
        '{"port": "x"}',
        '{"port": -1}',
        '{"port": 65536}',
        '{"feed_port": 1.5}',
        '{"offset": "soon"}',
        '{"offset": -1}',
        '{"offset": 1e300}',
        '{"offset": NaN}',
        '{"offset": null}',
    ],
)
def test_an_engine_takes_over_nothing_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    (tmp_path / "kept.json").write_text(text)
    assert _Kept.read(tmp_path) == _Kept()


def test_an_engine_takes_over_what_the_last_one_kept(tmp_path: Path) -> None:
    kept = _Kept(40_000, 86_400, 40_001)
    kept.write(tmp_path)
    assert _Kept.read(tmp_path) == kept


@pytest.mark.parametrize(
    "text", [*BAD, '{"access_key": 1, "engine_access_key": 2, "secret_key": 3}']
)
def test_keys_that_make_no_sense_are_made_again(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    keys = Keys.of(tmp_path)
    assert keys.access_key.startswith("AKIA")
    assert Keys.of(tmp_path) == keys


def test_keys_stay_with_a_directory_that_is_moved_and_not_with_a_copy(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    keys = Keys.of(home)
    shutil.copytree(home, tmp_path / "copy")
    moved = home.rename(tmp_path / "moved")
    assert Keys.of(moved) == keys
    assert Keys.of(tmp_path / "copy").access_key != keys.access_key
