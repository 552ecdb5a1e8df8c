"""The questions of `toolkit deploy --guided`."""

from collections.abc import Callable
from pathlib import Path

import click

from toolkit.app.deploying import guided
from toolkit.app.opening import open_project
from toolkit.core.deploying.config import DEFAULT, LOCAL
from toolkit.core.errors import ConfigError


def ask(directory: Path, environment: str | None, local: bool) -> str:
    """Ask, save the answers to toolkit.toml, and return the environment that they are for.

    An answer that cannot be used is asked for again at once. Those given before Ctrl-C are saved.
    """
    project = open_project(directory)
    default = environment or (LOCAL if local else DEFAULT)
    name = _answer("Environment", default, guided.check_environment_name)
    known = guided.current(project, name)
    answers: dict[tuple[str, ...], str] = {}
    try:
        for question in guided.QUESTIONS:
            if question.asked(answers):
                was = known.get(question.key)
                answers[question.key] = _answer(
                    question.text,
                    question.default if was is None else was,
                    question.check,
                    choices=question.choices,
                    show=bool(was or question.default),
                )
    except click.Abort:
        if answers:
            guided.save(project, name, answers, complete=False)
            click.echo("\nthe answers so far are in toolkit.toml", err=True)
        raise
    guided.save(project, name, answers)
    flag = "" if name == DEFAULT else f" --config-env {name}"
    click.echo(f"saved to toolkit.toml; from now on: toolkit deploy{flag}", err=True)
    return name


def _answer(
    text: str,
    default: str,
    check: Callable[[str], object],
    *,
    choices: tuple[str, ...] = (),
    show: bool = True,
) -> str:
    """One usable answer; why another one is not is said before the question comes again."""
    while True:
        answer: str = click.prompt(
            text,
            default=default,
            type=click.Choice(choices) if choices else str,
            show_default=show,
            err=True,
        ).strip()
        try:
            check(answer)
        except ConfigError as error:
            click.echo(f"{error.message}; {error.hint}" if error.hint else error.message, err=True)
        else:
            return answer
