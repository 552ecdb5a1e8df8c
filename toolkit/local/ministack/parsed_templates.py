"""Each template is parsed once: a thousand schedules are a thousand stacks of one template.

Parsing YAML takes a tenth of a second, most of what making a small stack costs.
"""

import copy
from functools import lru_cache
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers

_KEPT = 32


def install() -> None:
    """Remember the last templates by their text."""
    parse = lru_cache(_KEPT)(engine._parse_template)

    def parse_once(template_body: str) -> Any:
        return copy.deepcopy(parse(template_body))

    for module in (engine, changesets, handlers):
        module._parse_template = parse_once
