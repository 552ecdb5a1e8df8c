"""HTTP answers by their kind, for every workload that asks a server for something."""

import pytest

from workloads.answers import Answer, retry_after

PASSING = {408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 529, 599}


@pytest.mark.parametrize("status", [*range(100, 600), 0, 999])
def test_each_status_may_pass_or_is_final_by_its_kind(status: int) -> None:
    never = {501, 505, 506, 508, 510, 511}
    expected = status in {408, 425, 429} or (status >= 500 and status not in never)
    assert Answer(status).may_pass is expected
    assert (status in PASSING) <= expected


def test_a_ban_passes_only_if_the_server_says_when() -> None:
    assert not Answer(418).may_pass
    assert Answer(418, 30.0).may_pass


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (429, "Too many requests came from this address"),
        (502, "got no answer from it"),
        (503, "overloaded or restarting"),
        (504, "got no answer in time"),
        (500, "overloaded or restarting"),
        (529, "overloaded or restarting"),
        (451, "region"),
        (403, "credentials"),
        (407, "The proxy wants credentials"),
        (301, "The server sends elsewhere"),
        (404, "names nothing"),
    ],
)
def test_a_hint_names_the_cause(status: int, cause: str) -> None:
    assert cause in Answer(status).hint


@pytest.mark.parametrize("status", [200, 400, 405, 410, 501])
def test_where_there_is_no_right_hint_there_is_none(status: int) -> None:
    assert Answer(status).hint == ""


DATE = "Sat, 28 Nov 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("9" * 5000, 999_999_999.0),
        ("Sat, 28 Nov 2026 00:02:00 GMT", 120.0),
        ("Sat, 28 Nov 2026 01:02:00 +0100", 120.0),
        ("Sat, 28 Nov 2026 00:02:00", 120.0),
        ("Fri, 27 Nov 2026 00:02:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u0661", None),
        ("", None),
        ("Sat, 99 Nov 99999 00:02:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, DATE) == seconds
    assert Answer.of(503, {"retry-after": text, "date": DATE}).retry_after == seconds


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_without_a_date_of_its_own_an_answer_is_held_against_the_clock(date: str | None) -> None:
    assert retry_after("Sat, 28 Nov 2009 00:02:00 GMT", date) == 0.0
    assert (retry_after("Sat, 28 Nov 9999 00:02:00 GMT", date) or 0) > 1e9
