"""The tags that an environment gives every stack, and by them what the stacks hold.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
"""

import re
from collections.abc import Mapping

from toolkit.core.errors import ConfigError

# What the toolkit finds its stacks by, and what the bucket's policy knows a task role by.
_OURS = ("app", "workload")
_PREFIXES = ("aws:", "toolkit:")
# CloudFormation takes 50 tags a stack; the toolkit has three, and resources have their own.
_MOST = 40
_KEY = re.compile(r"[\w\s.:/=+\-@]{1,128}")
_VALUE = re.compile(r"[\w\s.:/=+\-@]{0,256}")


def check(where: str, tags: Mapping[str, str]) -> None:
    """Refuse tags that AWS refuses, or that the toolkit sets."""
    if len(tags) > _MOST:
        raise ConfigError(f"{where}: {len(tags)} tags are too many, {_MOST} fit")
    for key, value in tags.items():
        if key in _OURS or key.lower().startswith(_PREFIXES):
            raise ConfigError(f"{where}: the tag {key!r} is set by the toolkit or by AWS")
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise ConfigError(
                f"{where}: AWS takes no tag {key!r} = {value!r}",
                hint="up to 128 letters of the name and 256 of the value: letters, digits, blanks "
                "and _ . : / = + - @",
            )
