"""Every refusal names the field, the value, the reason and an example that is right."""

import pytest

from toolkit.core.errors import ConfigError
from toolkit.core.expressions.expression import ExpressionError, parse

# Field, value and what the hint says to write: nothing where nothing is sure to be meant.
REFUSED = {
    # Recorded answers of AWS (LocalStack's AWS-validated tests).
    "rate(10 seconds)": ("unit", "seconds", None),
    "rate(10 years)": ("unit", "years", None),
    "rate(1 minutes)": ("unit", "minutes", "rate(1 minute)"),
    "rate(1 hours)": ("unit", "hours", "rate(1 hour)"),
    "rate(1 days)": ("unit", "days", "rate(1 day)"),
    "rate(10 minute)": ("unit", "minute", "rate(10 minutes)"),
    "rate(10 hour)": ("unit", "hour", "rate(10 hours)"),
    "rate(10 day)": ("unit", "day", "rate(10 days)"),
    "rate()": ("value", "", None),
    "rate(10)": ("unit", "", None),
    "rate(10 minutess)": ("unit", "minutess", "rate(10 minutes)"),
    "rate(foo minutes)": ("value", "foo", None),
    "rate(0 minutes)": ("value", "0", None),
    "rate(-10 minutes)": ("value", "-10", None),
    "rate(10 MINUTES)": ("unit", "MINUTES", "rate(10 minutes)"),
    "rate( 10 minutes )": ("value", " 10 minutes ", "rate(10 minutes)"),
    " rate(10 minutes)": ("expression", " rate(10 minutes)", "rate(10 minutes)"),
    "cron(0 1 * * * *)": (
        "day-of-week",
        "*",
        (
            "cron(0 1 * * ? *) if the last field is the year (AWS), or cron(1 * * * ? *) if the "
            "first field is seconds (Quartz, Spring)"
        ),
    ),
    "cron(7 20 * * NOT *)": ("day-of-week", "NOT", None),
    "cron(INVALID)": ("expression", "cron(INVALID)", None),
    "cron(0 dummy ? * MON-FRI *)": ("hours", "dummy", None),
    "cron(71 8 1 * ? *)": ("minutes", "71", None),
    "at(2026-12-24)": ("date-time", "2026-12-24", None),
    "at(2026-12-24T18:00:00Z)": (
        "date-time",
        "2026-12-24T18:00:00Z",
        "at(2026-12-24T18:00:00) and set the time zone UTC",
    ),
    # Against the documentation.
    "cron(0 24 * * ? *)": ("hours", "24", "cron(0 0 * * ? *)"),
    "cron(60 * * * ? *)": ("minutes", "60", None),
    "cron(0 0 32 * ? *)": ("day-of-month", "32", None),
    "cron(0 0 0 * ? *)": ("day-of-month", "0", None),
    "cron(0 0 1 13 ? *)": ("month", "13", None),
    "cron(0 0 ? * 0 *)": ("day-of-week", "0", "cron(0 0 ? * SUN *)"),
    "cron(0 0 ? * 8 *)": ("day-of-week", "8", None),
    "cron(0 0 1 1 ? 1969)": ("year", "1969", None),
    "cron(0 0 1 1 ? 2200)": ("year", "2200", None),
    "cron(0 0 1 1 ? 2030-2026)": ("year", "2030-2026", None),
    "cron(0 0 ? * ? *)": ("day-of-month", "?", "cron(0 0 * * ? *)"),
    "cron(0 0 * * MON *)": ("day-of-month", "*", "cron(0 0 ? * MON *)"),
    "cron(0 0 1 * MON *)": ("day-of-week", "MON", None),
    "cron(? 0 * * ? *)": ("minutes", "?", None),
    "cron(0 0 ?,1 * ? *)": ("day-of-month", "?", None),
    "cron(0 0 ? * 2/2 *)": ("day-of-week", "2/2", "cron(0 0 ? * MON,WED,FRI *)"),
    "cron(0 0 ? * */2 *)": ("day-of-week", "*/2", "cron(0 0 ? * SUN,TUE,THU,SAT *)"),
    "cron(0 0 ? * MONDAY *)": ("day-of-week", "MONDAY", "cron(0 0 ? * MON *)"),
    "cron(0 0 1 JANUARY ? *)": ("month", "JANUARY", "cron(0 0 1 JAN ? *)"),
    "cron(0 0 ? * 3#1,6#3 *)": ("day-of-week", "3#1,6#3", None),
    "cron(0 0 ? * MON,6#3 *)": ("day-of-week", "MON,6#3", None),
    "cron(0 0 ? * 3#6 *)": ("day-of-week", "3#6", None),
    "cron(0 0 ? * 9#1 *)": ("day-of-week", "9#1", None),
    "cron(0 0 ? * MON,L *)": ("day-of-week", "MON,L", None),
    "cron(0 0 ? * fril *)": ("day-of-week", "fril", "cron(0 0 ? * 6L *)"),
    "cron(0 0 ? * 8L *)": ("day-of-week", "8L", None),
    "cron(0 0 ? * 2-FRI *)": ("day-of-week", "2-FRI", "cron(0 0 ? * MON-FRI *)"),
    "cron(0 0 1,L * ? *)": ("day-of-month", "1,L", None),
    "cron(0 0 1W,15W * ? *)": ("day-of-month", "1W,15W", None),
    "cron(0 0 0W * ? *)": ("day-of-month", "0W", None),
    "cron(0 0 W * ? *)": ("day-of-month", "W", None),
    "cron(0 0 L-31 * ? *)": ("day-of-month", "L-31", None),
    "cron(0 0 l * ? *)": ("day-of-month", "l", "cron(0 0 L * ? *)"),
    "cron(0/0 * * * ? *)": ("minutes", "0/0", None),
    "cron(0/ * * * ? *)": ("minutes", "0/", None),
    "cron(1.5 * * * ? *)": ("minutes", "1.5", None),
    "cron(1, * * * ? *)": ("minutes", "", None),
    "cron(5-99 * * * ? *)": ("minutes", "99", None),
    "cron(\u0661 * * * ? *)": ("minutes", "\u0661", None),
    "cron(0 6 * * ?)": ("expression", "cron(0 6 * * ?)", "cron(0 6 * * ? *)"),
    "cron(0  6 * * ? *)": ("expression", "cron(0  6 * * ? *)", "cron(0 6 * * ? *)"),
    "cron( 0 6 * * ? *)": ("expression", "cron( 0 6 * * ? *)", "cron(0 6 * * ? *)"),
    "cron(0 0 6 * * ? *)": ("expression", "cron(0 0 6 * * ? *)", "cron(0 6 * * ? *)"),
    "at(2026-02-30T00:00:00)": ("date-time", "2026-02-30T00:00:00", None),
    "at(2026-12-31T24:00:00)": ("date-time", "2026-12-31T24:00:00", "at(2027-01-01T00:00:00)"),
    "at(2026-12-31T23:59)": ("date-time", "2026-12-31T23:59", "at(2026-12-31T23:59:00)"),
    "at(1969-12-31T00:00:00)": ("date-time", "1969-12-31T00:00:00", None),
    "at()": ("date-time", "", None),
    "rate(99999999999999 days)": ("value", "99999999999999", None),
    # Other dialects and slips of the frame.
    "": ("expression", "", None),
    "daily": ("expression", "daily", "rate(1 day)"),
    "5 minutes": ("expression", "5 minutes", "rate(5 minutes)"),
    "0 9 * * 1-5": ("expression", "0 9 * * 1-5", "cron(0 9 ? * MON-FRI *)"),
    "*/15 * * * *": ("expression", "*/15 * * * *", "cron(*/15 * * * ? *)"),
    "0 0 * * 7": ("expression", "0 0 * * 7", "cron(0 0 ? * SUN *)"),
    "CRON(0 6 * * ? *)": ("expression", "CRON(0 6 * * ? *)", "cron(0 6 * * ? *)"),
    "cron(0 6 * * ? *": ("expression", "cron(0 6 * * ? *", "cron(0 6 * * ? *)"),
    "2026-12-24T18:00": ("expression", "2026-12-24T18:00", "at(2026-12-24T18:00:00)"),
    "cron((0 6 * * ? *))": ("expression", "cron((0 6 * * ? *))", "cron(0 6 * * ? *)"),
    "x(y)": ("expression", "x(y)", None),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.items())
def test_a_refusal_names_the_field_the_value_and_what_was_meant(text, expected):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    field, value, meant = expected
    assert (error.field, error.value) == (field, value)
    assert error.hint == (f"write {meant}" if meant else None)
    assert str(error) == f"{field} {value!r}: {error.reason}" + (
        f"; write {meant}" if meant else ""
    )
    assert bool(error.instead) == bool(meant)
    for expression in error.instead:
        assert parse(expression).warnings == ()


def test_an_error_is_the_users_and_a_value_error():
    with pytest.raises(ConfigError, match="outside 0-59"):
        parse("cron(71 8 1 * ? *)")
    with pytest.raises(ValueError, match="outside 0-59"):
        parse("cron(71 8 1 * ? *)")


def test_everything_wrong_is_corrected_at_once_or_not_at_all():
    with pytest.raises(ExpressionError) as caught:
        parse("cron(*/7 */24 * JANUARY MONDAY)")
    assert caught.value.hint == "write cron(0-56/7 0 ? JAN MON *)"
    with pytest.raises(ExpressionError) as caught:
        parse("cron(*/7 25 * JANUARY MONDAY)")
    assert caught.value.hint is None


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(ExpressionError) as caught:
        parse("cron(" + "1" * 250 + ")")
    assert len(caught.value.message) < 200
    with pytest.raises(ExpressionError, match="1 to 256 characters"):
        parse("cron(" + "0," * 130 + "0 6 * * ? *)")
