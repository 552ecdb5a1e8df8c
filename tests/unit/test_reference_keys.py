"""The reference has every key of toolkit.toml, schedule files and catalog, and every event."""

import re
from pathlib import Path

import attrs

from toolkit.core.deploying import config
from toolkit.core.proof.ledger import State
from toolkit.core.schedules import schedule_file
from toolkit.runtime.catalog import ExpectedArtifact, Workload
from toolkit.runtime.rules import Rule
from toolkit.runtime.variable import Variable

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def documented(page: str, heading: str = "") -> set[str]:
    """The names in the first cells of a page's tables, below a heading if one is given."""
    text = (REFERENCE / page).read_text("utf-8")
    if heading:
        text = re.split(r"(?m)^## ", text.partition(f"## {heading}\n")[2])[0]
    cells = re.findall(r"(?m)^\| (`[^|]+`) \|", text)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def fields(kind: type[attrs.AttrsInstance]) -> set[str]:
    return {field.name for field in attrs.fields(kind)} - {"name"}


def test_every_key_of_an_environment_is_documented() -> None:
    assert documented("toolkit-toml.md") == config.SHAPE["*"].keys() == {*config._KEYS}


def test_every_key_of_a_schedule_file_is_documented() -> None:
    assert documented("schedule-files.md") == schedule_file.SHAPE.keys()


def test_every_key_of_a_workload_is_documented() -> None:
    assert documented("catalog.md", "Keys of a workload") == fields(Workload)
    assert documented("catalog.md", "Keys of a setting: `variables`") == fields(Variable)
    assert documented("catalog.md", "Keys of an artifact: `artifacts`") == fields(ExpectedArtifact)
    assert documented("catalog.md", "Keys of a rule: `rules`") == fields(Rule)


def test_every_event_that_the_runtime_logs_is_documented() -> None:
    source = "".join(
        path.read_text("utf-8") for path in (ROOT / "toolkit" / "runtime").glob("*.py")
    )
    kinds = "run|artifact|claim|manifest|metadata|program|lease"
    logged = set(re.findall(rf'"((?:{kinds})\.(?!json)[a-z]+)"', source))
    assert len(logged) > 10
    page = (REFERENCE / "events.md").read_text("utf-8").partition("## Events of AWS")[0]
    assert set(re.findall(r"(?m)^\| `([a-z.]+)` \|", page)) == logged


def test_every_state_of_the_ledger_is_documented() -> None:
    page = (ROOT / "docs" / "proof.md").read_text("utf-8").partition("## The ledger")[2]
    cells = re.findall(r"(?m)^\| (`[^|]+) \|", page)
    names = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert {state.value for state in State} - names == set()
