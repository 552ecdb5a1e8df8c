"""A hint says the same in a report as in the terminal, with the flags that lead to the app."""

from datetime import timedelta
from functools import partial
from html import unescape
from pathlib import Path

from toolkit.app.proof.keep import keep
from toolkit.cli.hints import with_flags
from toolkit.cli.root import Root

from .sealing import a_month, days_later
from .spoiled_runs import a_run, an_app

ROOT = Path(__file__).resolve().parents[2]
FLAGS = {"--local": "--local"}
WAYS = ["", "artifact", "altered", "log", "manifest", "everything", "dead letter", "failed"]


def test_a_report_has_the_commands_of_its_hint_as_they_are_to_be_typed(tmp_path: Path) -> None:
    app = an_app(a_month(WAYS), days_later(9))
    app.place_hint = partial(with_flags, flags=FLAGS)
    with_commands = 0
    for number in range(len(WAYS)):
        run_id = a_run(number, "", timedelta(days=1)).run_id
        made = keep(app, run_id, tmp_path)
        page = unescape((made.folder / "report.html").read_text())
        if made.verdict.diagnosis is not None:
            hint = made.verdict.diagnosis.hint
            with_commands += with_flags(hint, FLAGS) != hint
            assert with_flags(hint, FLAGS) in page
    assert with_commands > 1


def test_the_app_of_a_command_places_hints_by_its_flags() -> None:
    root = Root()
    root.project = ROOT
    assert root.app.place_hint("next: toolkit deploy") == f"next: toolkit deploy --project {ROOT}"
