"""What an expression says of itself in English."""

import pytest

from toolkit.core.expressions.expression import parse

WORDS = {
    "* * * * ? *": "Every minute",
    "0/15 * * * ? *": "Every 15 minutes",
    "0/15 8-17 ? * MON-FRI *": "Every 15 minutes from 08:00 to 17:45, Monday to Friday",
    "0/30 20-2 ? * MON-FRI *": (
        "Every 30 minutes from 00:00 to 02:30 and from 20:00 to 23:30, Monday to Friday"
    ),
    "0/10 * ? * MON-FRI *": "Every 10 minutes, Monday to Friday",
    "0/10 0/2 * * ? *": "Every 10 minutes of every 2nd hour from 0 to 22 every day",
    "0/10 1,5,9,20 * * ? *": "Every 10 minutes of the hours 1, 5, 9 and 20 every day",
    "*/7 * * * ? *": "Every 7 minutes from minute 0 to 56 of every hour",
    "5/20 * * * ? *": "At minutes 5, 25 and 45 of every hour",
    "1-5,30 * * * ? *": "At minutes 1 to 5 and 30 of every hour",
    "0-20 9 * * ? *": "Every minute from 09:00 to 09:20 every day",
    "0-20/2 8-9 * * ? *": "Every 2 minutes from minute 0 to 20 of the hours 8 and 9 every day",
    "0 * * * ? *": "Every hour",
    "30 * * * ? *": "Every hour at minute 30",
    "30 8-17 * * ? *": "Every hour from 08:30 to 17:30 every day",
    "30 */2 * * ? *": "Every 2 hours from 00:30 to 22:30 every day",
    "0 6 * * ? *": "At 06:00 every day",
    "0 6 ? * * *": "At 06:00 every day",
    "0 6,18 * * ? *": "At 06:00 and 18:00 every day",
    "0 6 ? * SAT,SUN *": "At 06:00 every Saturday and Sunday",
    "0 6 ? * FRI-MON *": "At 06:00, Friday to Monday",
    "0 6 ? * SUN,MON,WED,SAT *": "At 06:00, Wednesday and Saturday to Monday",
    "0 6 ? * L *": "At 06:00 every Saturday",
    "0 6 ? * 3#2 *": "At 06:00 on the second Tuesday of every month",
    "0 6 ? 3 6L *": "At 06:00 on the last Friday of March",
    "0 6 L * ? *": "At 06:00 on the last day of every month",
    "0 6 LW * ? *": "At 06:00 on the last weekday (Monday to Friday) of every month",
    "0 6 L-3 * ? *": "At 06:00, 3 days before the last day of every month",
    "0 6 L-1W * ? *": "At 06:00 on the weekday nearest to 1 day before the last day of every month",
    "0 6 3W 1-3 ? *": "At 06:00 on the weekday nearest to the 3rd of January to March",
    "0 6 1,15,22,31 * ? *": "At 06:00 on the 1st, 15th, 22nd and 31st of every month",
    "0 6 11-13 * ? *": "At 06:00 on the 11th to 13th of every month",
    "0 6 */2 * ? *": "At 06:00 every 2 days from the 1st to the 31st of every month",
    "0 6 * 6-8 ? *": "At 06:00 every day from June to August",
    "0 6 1 */3 ? *": "At 06:00 on the 1st of January, April, July and October",
    "0 6 29 2 ? *": "At 06:00 on 29 February",
    "0 6 29 2 ? 2028": "At 06:00 on 29 February 2028",
    "0 6 * * ? 2026": "At 06:00 every day in 2026",
    "0 6 * * ? 2026-2028": "At 06:00 every day from 2026 to 2028",
    "0 6 * * ? 2026-2199": "At 06:00 every day from 2026 on",
    "0 6 * * ? 2026/2": "At 06:00 every day in every 2nd year from 2026 to 2198",
    "0 6 * * ? 2026,2028": "At 06:00 every day in 2026 and 2028",
}


@pytest.mark.parametrize(("fields", "words"), WORDS.items())
def test_a_cron_expression_reads_as_english(fields, words):
    assert parse(f"cron({fields})").describe() == words


def test_two_spellings_of_one_calendar_read_the_same():
    spellings = ["0,15,30,45 0-23 * 1-12 ? *", "*/15 * ? JAN-DEC SUN-SAT 1970-2199"]
    assert {parse(f"cron({fields})").describe() for fields in spellings} == {"Every 15 minutes"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rate(1 minute)", "Every minute"),
        ("rate(90 minutes)", "Every 90 minutes"),
        ("rate(1 hour)", "Every hour"),
        ("rate(1 day)", "Every 24 hours"),
        ("rate(7 days)", "Every 7 days of 24 hours"),
        ("at(2026-12-24T18:00:00)", "Once, on Thursday 24 December 2026 at 18:00"),
        ("at(2026-12-31T23:59:59)", "Once, on Thursday 31 December 2026 at 23:59:59"),
    ],
)
def test_a_rate_and_a_one_time_schedule_read_as_english(text, words):
    assert parse(text).describe() == words
