"""The documentation site builds without a warning, loads nothing from outside, and links right."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.chromium import chromium

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
# Attributes that make a browser fetch something while it shows a page.
_LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("video", "src"),
    ("object", "data"),
}
_LOADED_LINKS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "manifest"}
_LOADED_BY_CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


class Page(HTMLParser):
    """What a page loads, where it links to, and which anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        self.loaded += [value for name, value in values.items() if (tag, name) in _LOADED]
        if tag == "link" and _LOADED_LINKS & set(values.get("rel", "").split()):
            self.loaded.append(values.get("href", ""))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


def is_outside(address: str) -> bool:
    return urlsplit(address).scheme not in ("", "data") or address.startswith("//")


def broken(site: Path, pages: dict[Path, Page]) -> list[str]:
    """Links within the site that lead to no file, or to no anchor of its page."""
    wrong = []
    for place, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (place.parent / unquote(address.path)).resolve() if address.path else place
            target = target / "index.html" if target.is_dir() else target
            anchors = pages[target].anchors if target in pages else None
            if not target.exists() or (anchors is not None and address.fragment not in anchors):
                wrong.append(f"{place.relative_to(site)}: {link}")
    return wrong


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a warning is an error."""
    out = tmp_path_factory.mktemp("docs").resolve()
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n"]
    build += ["-d", f"{out}/doctrees", "-c", "docs", ".", f"{out}/site"]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


def test_no_page_loads_anything_from_outside(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) > 20
    loaded = {address for page in pages.values() for address in page.loaded}
    for sheet in site.rglob("*.css"):
        found = _LOADED_BY_CSS.findall(sheet.read_text("utf-8"))
        loaded |= {address for pair in found for address in pair}
    assert len(loaded) > 5
    assert {address for address in loaded if is_outside(address)} == set()


def test_every_link_within_the_site_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    assert sum(len(page.links) for page in pages.values()) > 500
    assert broken(site, pages) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    text = '<a id="here"></a><a href="#here"></a><a href="#gone"></a><a href="other.html"></a>'
    place = tmp_path / "index.html"
    place.write_text(text)
    assert broken(tmp_path, {place: Page(text)}) == [
        "index.html: #gone",
        "index.html: other.html",
    ]


def test_a_browser_asks_nobody_for_anything(site: Path) -> None:
    with chromium() as page:
        page.open(site / "docs" / "index.html")
        asked = [
            event["params"]["request"]["url"]
            for event in page.events
            if event["method"] == "Network.requestWillBeSent"
        ]
        assert len(asked) > 3
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("width", [1400, 390])
def test_the_longest_page_fits_the_window(site: Path, width: int) -> None:
    with chromium() as page:
        page.open(site / "docs" / "reference" / "commands.html", width=width)
        assert page.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["security", "streams", "reference/templates", "expressions"])
def test_paper_shows_code_and_tables_whole(site: Path, name: str) -> None:
    with chromium() as page:
        page.open(site / "docs" / f"{name}.html", width=800, media="print")
        wide = "[...document.querySelectorAll('article pre, article .table-wrapper')]"
        cut = f"{wide}.filter((e) => e.scrollWidth > e.clientWidth + 1).length"
        assert page.run(f"{wide}.length") > 0
        assert page.run(cut) == 0


@pytest.mark.parametrize("dark", [False, True])
def test_a_page_shows_the_picture_of_its_colour_scheme(site: Path, *, dark: bool) -> None:
    with chromium() as page:
        page.open(site / "README.html", dark=dark)
        seen = "[...document.images].filter((e) => e.offsetWidth > 0 && e.src.endsWith('.png'))"
        shown = page.run(f"{seen}.map((e) => e.src.split('/').at(-1))")
        assert shown == ["site-dark.png" if dark else "site.png"]
