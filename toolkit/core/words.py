"""What AWS and Docker say, in pieces, without the names in it.

An error nests: ``failed to do request: Head "https://…": dial tcp 10.0.0.1:443: i/o timeout``. The
outside says what was tried, the inside why it failed. A name, an ARN, an address or a URL in it may
be any word, so it must decide nothing.
"""

import re

# Longer texts are no message: ECS cuts its own at 1,024 characters, people paste a bit more.
_LONGEST = 20_000
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " ", "\ufeff": " "})  # noqa: RUF001
_SPLIT = re.compile(r":+(?:\s+|$)|\s+:\s*|\bcaused by\b:?\s*|;\s+")
_QUOTED_NAME = re.compile(r"(?<!\w)(['\"`])([^'\"`\s]+)\1(?!\w)")
# What follows these words is a name, also when it is a plain word.
_NAMED = re.compile(
    r"\b(denied for|manifest for|named|resolve ref|resolve reference|(?:fetch|pull|get) secret|"
    r"source metadata for|load metadata for|repository with name|^service) "
    r"(?!pull |from |has )['\"]?[^\s,'\"]+",
    re.IGNORECASE,
)
# Words that look like a name, an address or a path, and are none.
_WORDS = frozenset(
    {
        "i/o",
        "and/or",
        "client.timeout",
        "efs-utils",
        "media-type",
        "mount.nfs4",
        "oom-killed",
        "out-of-memory",
        "read-only",
        "self-signed",
    }
)
_NAME = re.compile(r"[-_/@=\\$#]|[:.](?=\w)|^[0-9a-f]{12,}$")
_IAM_ACTION = re.compile(
    r"(?:iam|sts|ecs|ecr|ec2|ssm|s3|kms|logs|secretsmanager|elasticfilesystem):[A-Z][A-Za-z]+"
)
_CUT = "~"


def one_line(text: str) -> str:
    """Text with plain quotes; white space of any kind is a blank, control characters go."""
    text = text[:_LONGEST].translate(_PLAIN)
    text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split()).replace("signal: killed", "signal killed")


def pieces(line: str) -> tuple[str, ...]:
    """The parts of a message that nests, the outermost first.

    >>> pieces("failed to do request: dial tcp 10.0.0.1:443: i/o timeout")
    ('failed to do request', 'dial tcp 10.0.0.1:443', 'i/o timeout')
    """
    return tuple(filter(None, (piece.strip(" .,:") for piece in _SPLIT.split(line))))


def without_names(text: str) -> str:
    """The words of a message: names, ARNs, references, addresses and URLs are cut out.

    >>> without_names("The subnet ID 'subnet-0a1b' of role/data-platform does not exist")
    'The subnet ID ~ of ~ does not exist'
    """
    text = _NAMED.sub(rf"\1 {_CUT}", _QUOTED_NAME.sub(f" {_CUT} ", one_line(text)))
    return " ".join(_CUT if _is_name(word) else word for word in text.split())


def _is_name(word: str) -> bool:
    bare = word.strip("'\"`()[]{},.;:!?")
    known = bare.lower() in _WORDS or _IAM_ACTION.fullmatch(bare) is not None
    return not known and _NAME.search(bare) is not None
