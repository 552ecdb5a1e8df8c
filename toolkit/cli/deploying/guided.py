"""The questions of `toolkit deploy --guided`."""

from pathlib import Path

import click

from toolkit.app.app import open_project
from toolkit.app.deploying import guided
from toolkit.core.deploying.config import DEFAULT, LOCAL


def ask(directory: Path, environment: str | None, local: bool) -> str:
    """Ask, save the answers to toolkit.toml, and return the environment that they are for."""
    project = open_project(directory)
    default = environment or (LOCAL if local else DEFAULT)
    name: str = click.prompt("Environment", default=default, err=True)
    known = guided.current(project, name)
    answers: dict[tuple[str, ...], str] = {}
    for question in guided.QUESTIONS:
        if not question.asked(answers):
            continue
        answers[question.key] = click.prompt(
            question.text,
            default=known.get(question.key, question.default),
            type=click.Choice(question.choices) if question.choices else str,
            show_default=bool(known.get(question.key, question.default)),
            err=True,
        ).strip()
    guided.save(project, name, answers)
    flag = "" if name == DEFAULT else f" --config-env {name}"
    click.echo(f"saved to toolkit.toml; from now on: toolkit deploy{flag}", err=True)
    return name
