"""Commands in the catalog: what is refused, and how output is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.runtime.catalog import Catalog, Workload
from toolkit.runtime.command_line import filled
from toolkit.runtime.contract import CONTRACT_VARIABLES, ContractError
from toolkit.runtime.output import Lines

TABLE = """
[workloads.report]
summary = "s"
cpu = 256
memory = 512
max_runtime_seconds = 60
"""


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "neither entry_point"),
        ('command = ["a"]\nentry_point = "x:y"', "keep one"),
        ("command = []", "neither entry_point"),
        ('command = "bin/report"', "write a list"),
        ("command = [1]", "write a list"),
        ('command = [""]', "names a program"),
        ('command = ["a", "{day}"]', "{day} is none of {run_id}"),
        ('command = ["a\\u0000"]', "write a list"),
        ('command = ["a"]\nkind = "stream"', "of kind batch"),
        (
            'command = ["a"]\nvariables.ARTIFACTS = { type = "str", default = "", meaning = "m" }',
            "ARTIFACTS is set by the runtime",
        ),
        *(
            (
                f'command = ["a"]\nvariables.{name} = {{type="str", default="", meaning="m"}}',
                f"{name} belongs to the runtime",
            )
            for name in sorted(CONTRACT_VARIABLES)
        ),
    ],
)
def test_a_table_without_one_usable_work_is_refused(lines: str, words: str) -> None:
    with pytest.raises(ContractError, match="workload report") as caught:
        Catalog.parse(TABLE + lines)
    assert words in str(caught.value)


def test_a_command_stands_in_the_row_by_which_runs_are_judged() -> None:
    workload = Catalog.parse(TABLE + 'command = ["bin/report", "{scheduled_date}"]').workload(
        "report"
    )
    assert Workload.from_row(workload.row()) == workload


def test_other_braces_stay_as_they_are() -> None:
    words = ["awk", "{ print $1 }", "${HOME}", "{{x}}", "{day}"]
    assert filled(words, {"day": "{x}"}) == ["awk", "{ print $1 }", "${HOME}", "{x}", "{x}"]


SECRET = "horse"
CONTENT = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.text(max_size=20).map(str.encode),
        st.sampled_from([b"\n", SECRET.encode(), b"x" * 9000, "€".encode() * 3000, b"\xff" * 5000]),
    ),
    max_size=12,
)


@given(CONTENT, st.lists(st.integers(1, 20_000), max_size=5))
def test_lines_put_together_are_what_was_written(parts: list[bytes], cuts: list[int]) -> None:
    content = b"".join(parts)
    lines = Lines()
    pieces = []
    rest = content
    for cut in cuts:
        pieces += [*lines.feed(rest[:cut]), *lines.begun()]
        rest = rest[cut:]
    pieces += [*lines.feed(rest), *lines.rest()]
    text = "".join(piece + ("\n" if whole else "") for piece, whole in pieces)
    wanted = content.decode("utf-8", "backslashreplace")
    assert text.removesuffix("\n") == wanted.removesuffix("\n")


@given(CONTENT, st.lists(st.integers(1, 20_000), max_size=5))
def test_no_piece_tells_a_secret_or_part_of_its_beginning(
    parts: list[bytes], cuts: list[int]
) -> None:
    content = SECRET.encode().join(parts)
    lines = Lines([SECRET])
    pieces = []
    for cut in cuts:
        pieces += [*lines.feed(content[:cut]), *lines.begun()]
        content = content[cut:]
    pieces += [*lines.feed(content), *lines.rest()]
    assert SECRET not in "".join(piece for piece, _ in pieces)
