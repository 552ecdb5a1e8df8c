"""Each template is parsed once: a thousand schedules are a thousand stacks of one template.

Parsing YAML takes a tenth of a second, most of what making a small stack costs.
"""

import copy
from functools import lru_cache
from typing import Any

from toolkit.local.ministack.replacing.replacements import replaces

_KEPT = 32


@lru_cache(_KEPT)
def _parse(parse: Any, template_body: str) -> Any:
    return parse(template_body)


@replaces("services.cloudformation.engine._parse_template")
def _parse_once(original: Any, template_body: str) -> Any:
    return copy.deepcopy(_parse(original, template_body))
