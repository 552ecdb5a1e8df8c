"""A template's lifecycle rules are what the API would have got, and things expire at midnight."""

from typing import Any

import pytest

from toolkit.local.ministack.upstream.lifecycle_rules import is_due, of_template

DAY = 86_400
TAG = {"Key": "a", "Value": "b"}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"ExpirationInDays": "30"}, {"Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}),
        (
            {"Id": "7", "Prefix": "1", "ExpiredObjectDeleteMarker": "true"},
            {
                "ID": "7",
                "Filter": {"Prefix": "1"},
                "Expiration": {"ExpiredObjectDeleteMarker": True},
            },
        ),
        (
            {"NoncurrentVersionExpiration": {"NoncurrentDays": "3"}},
            {"Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
        ),
        (
            {"NoncurrentVersionExpirationInDays": 3},
            {"Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
        ),
        (
            {"Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": "9"}]},
            {"Filter": {"Prefix": ""}, "Transitions": [{"StorageClass": "GLACIER", "Days": 9}]},
        ),
        ({"TagFilters": [TAG]}, {"Filter": {"Tag": TAG}}),
        ({"ObjectSizeLessThan": "5"}, {"Filter": {"ObjectSizeLessThan": 5}}),
        (
            {"Prefix": "a/", "TagFilters": [TAG]},
            {"Filter": {"And": {"Prefix": "a/", "Tags": [TAG]}}},
        ),
    ],
)
def test_a_rule_is_said_in_the_words_of_the_api(row: dict[str, Any], rule: dict[str, Any]) -> None:
    assert of_template({"Status": "Enabled", **row}) == {"Status": "Enabled", **rule}


@pytest.mark.parametrize(
    ("since", "days", "now", "due"),
    [
        (0.5 * DAY, 1, 1.5 * DAY, False),
        (0.5 * DAY, 1, 2 * DAY - 1, False),
        (0.5 * DAY, 1, 2 * DAY, True),
        (1 * DAY, 1, 2 * DAY, True),  # written at midnight itself
    ],
)
def test_what_has_so_many_days_expires_at_the_midnight_after_them(
    since: float, days: int, now: float, due: bool
) -> None:
    assert is_due(since, days, now) is due
