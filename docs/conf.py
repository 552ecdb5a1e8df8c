"""How Sphinx builds the site: `make docs` writes it to build/docs/."""

import re
import sys
from pathlib import Path

from docutils import nodes

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts import reference  # noqa: E402 # found through the line above

project = "fargate-toolkit"
author = copyright = "Fargate toolkit contributors"  # noqa: A001 # Sphinx's name
root_doc = "docs/index"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
# The sources begin at the root of the repository, so that links between docs/, README.md and the
# code are the same on the site and in the repository.
include_patterns = ["*.md", "docs/**.md", "evidence/README.md", "image/README.md"]
exclude_patterns = [".*", "build", "dist", "**/.*", "toolkit", "workloads", "tests", "benchmarks"]
nitpicky = True
smartquotes = False  # they turn --local into a dash

myst_heading_anchors = 4
myst_enable_extensions = ["deflist", "html_image"]
suppress_warnings = ["misc.highlighting_failure"]  # an ellipsis in a JSON line is no JSON
html_theme = "furo"
html_title = "toolkit"
html_copy_source = False
html_extra_path = ["root"]  # index.html, which leads to docs/index.html
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navigation_with_keys": True,
    "footer_icons": [],
}
pygments_style = "default"
pygments_dark_style = "monokai"


# A picture for either colour scheme, as GitHub shows it, and as the theme does with its own switch.
_PICTURE = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*'
    r'<img src="([^"]+)"([^>]*)>\s*</picture>'
)
_PICTURES = r'<img src="\2"\3 class="only-light"> <img src="\1"\3 class="only-dark">'
# Characters: inline code of up to so many stays on one line, and longer code breaks between its
# words if these are no longer: so --local is never cut in two.
_SHORT, _WORD = 18, 30


def fill_in(_app: object, _page: str, source: list[str]) -> None:
    """Replace the marker of a generated part, `<!-- generated: NAME -->`, and the pictures."""
    source[0] = _PICTURE.sub(_PICTURES, reference.filled_in(source[0]))


def mark_short_code(_app: object, document: nodes.document, _page: str) -> None:
    """Give short inline code a class, for site.css."""
    for literal in document.findall(nodes.literal):
        text = literal.astext()
        if len(text) <= _SHORT:
            literal["classes"].append("short")
        elif all(len(word) <= _WORD for word in text.split()):
            literal["classes"].append("words")


def setup(app: object) -> None:
    """Called by Sphinx."""
    app.connect("source-read", fill_in)  # type: ignore[attr-defined]
    app.connect("doctree-resolved", mark_short_code)  # type: ignore[attr-defined]
