"""The pictures of README and docs exist for light and dark, and can be made again."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPT = (ROOT / "scripts" / "pictures.py").read_text()
LARGEST = 60_000  # bytes
_SHOWN = re.compile(r'<img src="([^"]+)"|!\[[^\]]*\]\(([^)]+)\)|srcset="([^"]+)"')


def pictures(page: Path) -> list[Path]:
    """The files of this repository that a page shows."""
    named = ["".join(found) for found in _SHOWN.findall(page.read_text())]
    return [(page.parent / name).resolve() for name in named if "://" not in name]


ALL = sorted({picture for page in PAGES for picture in pictures(page)})


def test_the_readme_shows_pictures() -> None:
    assert len(pictures(ROOT / "README.md")) >= 3


@pytest.mark.parametrize("picture", ALL, ids=lambda path: path.name)
def test_a_picture_is_there_small_and_can_be_made_again(picture: Path) -> None:
    assert picture.is_file()
    assert picture.stat().st_size < LARGEST
    assert picture.name in SCRIPT


@pytest.mark.parametrize("picture", ALL, ids=lambda path: path.name)
def test_a_picture_is_light_and_dark(picture: Path) -> None:
    if picture.suffix == ".svg":
        assert "prefers-color-scheme: dark" in picture.read_text()
    else:
        light = picture.with_stem(picture.stem.removesuffix("-dark"))
        assert {light, light.with_stem(f"{light.stem}-dark")} <= {*ALL}


def test_a_page_that_shows_a_light_picture_shows_the_dark_one() -> None:
    for page in PAGES:
        shown = {path for path in pictures(page) if path.suffix == ".png"}
        dark = {path for path in shown if path.stem.endswith("-dark")}
        assert {path.with_stem(f"{path.stem}-dark") for path in shown - dark} == dark, page
