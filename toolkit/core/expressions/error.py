"""The one error that a schedule expression, its time zone or its dates can give."""

from toolkit.core.errors import ConfigError

_SHOWN = 60  # characters of a wrong value that a message repeats


class ExpressionError(ConfigError, ValueError):
    """A schedule expression that AWS would refuse, or that cannot mean what it says.

    Attributes:
        field: the part that is wrong, such as ``hours``, ``unit`` or ``timezone``.
        value: what stands there.
        reason: why it is refused.
        hint: what to write instead; None where nothing is sure to say what was meant.
        instead: the expressions or zones that the hint names, the likeliest first.
    """

    def __init__(
        self,
        field: str,
        value: str,
        reason: str,
        hint: str | None = None,
        instead: tuple[str, ...] = (),
    ) -> None:
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
        super().__init__(f"{field} {shown!r}: {reason}", hint=hint)
        self.field = field
        self.value = value
        self.reason = reason
        self.instead = instead

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class FieldProblem(Exception):  # noqa: N818 - becomes an ExpressionError once the whole is known
    """A wrong value in a field."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason
