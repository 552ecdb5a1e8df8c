"""Schedule expressions as EventBridge Scheduler reads them: cron, rate and at.

    parse(text) -> Expression, or ExpressionError
    expression.firings(after, timezone) -> aware UTC datetimes

The dialect, its sources and what AWS leaves open are in docs/expressions.md.
"""

from toolkit.core.expressions.error import ExpressionError
from toolkit.core.expressions.kinds import At, Cron, Expression, Rate
from toolkit.core.expressions.reading import read

__all__ = ["At", "Cron", "Expression", "ExpressionError", "Rate", "parse"]


def parse(text: str) -> Expression:
    """Read a schedule expression.

    Raises:
        ExpressionError: AWS would refuse it. Its hint says what to write instead, if that is sure.

    >>> from datetime import UTC, datetime
    >>> expression = parse("cron(0 6 ? * MON-FRI *)")
    >>> str(next(expression.firings(datetime(2026, 3, 27, 12, tzinfo=UTC), "Europe/Berlin")))
    '2026-03-30 04:00:00+00:00'
    """
    try:
        return read(text)
    except ExpressionError as error:
        from toolkit.core.expressions.hints import advise  # only the refused need it

        advice = advise(text)
        raise ExpressionError(
            error.field,
            error.value,
            advice.reason or error.reason,
            advice.hint,
            advice.expressions,
        ) from None
