"""Every error that the toolkit raises on purpose.

    ToolkitError
    ├── ConfigError      a file, an option or a name that the user gave
    ├── StackError       CloudFormation refused or a stack failed
    ├── ImageError       building, pushing or resolving the image
    ├── RunError         a task could not be started, followed or found
    └── EvidenceError    evidence about a run could not be read

A message says what happened to which named thing; the hint says what to do next.
"""

from collections.abc import Sequence


class ToolkitError(Exception):
    """Something the user can act on; the command line prints it and exits with 3."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(ToolkitError):
    """A file, an option or a name that the user gave is not usable."""

    exit_code = 2


def unknown_key(where: str, key: str, known: Sequence[str]) -> ConfigError:
    """The error of a file's key that nothing reads, with the nearest known one."""
    import difflib  # here, because every command imports this module and few need it

    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}"
    return ConfigError(f"{where}: unknown key {key!r}", hint=hint)


class StackError(ToolkitError):
    """CloudFormation refused a change set, or a stack failed."""


class ImageError(ToolkitError):
    """The image could not be built, pushed or resolved."""


class RunError(ToolkitError):
    """A task could not be started, followed or found."""


class EvidenceError(ToolkitError):
    """Evidence about a run could not be read."""
