"""The files of a new project, and of a new workload in one. Texts only: nothing is written here."""

import json
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from toolkit.core.names import check_name

_FOLDER = Path(__file__).parent
_STARTER = _FOLDER / "starter"
_PROGRAM = _FOLDER / "program"
_SETTINGS = "\n[workloads.report.variables]\n"
# The type of a setting by its value, and whether TOML takes the value as it stands.
_TYPES = (
    (re.compile(r"-?(0|[1-9]\d{0,17})"), "int", True),
    (re.compile(r"-?(0|[1-9]\d*)\.\d+"), "float", True),
    (re.compile(r"true|false"), "bool", True),
    (re.compile(r"https?://[^\s]+"), "url", False),
    (re.compile(r".*", re.DOTALL), "str", False),
)
# Under its own name Git would heed it here.
_RENAMED = {"gitignore": ".gitignore"}
_SHARED = ("image/Dockerfile",)
_EJECTED = ("templates/*", "image/*.py", "image/build.lock")
# What may lie around in a checkout, and is none of the starter's.
_NOT_ITS = {"__pycache__", ".toolkit", ".pytest_cache"}


def new_project(app: str, region: str) -> dict[str, str]:
    """What `toolkit init` writes, by path."""
    words = {
        "APP-NAME": check_name("app", app),
        "AWS-REGION": region,
        "TOOLKIT-VERSION": version("fargate-toolkit"),
    }
    paths = [path for path in sorted(_STARTER.rglob("*")) if path.is_file()]
    texts = {
        path.relative_to(_STARTER).as_posix(): _filled(path.read_text("utf-8"), words)
        for path in paths
        if _NOT_ITS.isdisjoint(path.parts)
    }
    named = {_RENAMED.get(name, name): text for name, text in texts.items()}
    return named | {name: (_FOLDER / name).read_text("utf-8") for name in _SHARED}


def ejected() -> dict[str, str]:
    """What a project otherwise has from the installed toolkit: templates and the image's files."""
    own = {"image/acts.py"}  # those of the toolkit's own repository
    return {
        name: path.read_text("utf-8")
        for pattern in _EJECTED
        for path in sorted(_FOLDER.glob(pattern))
        if path.is_file() and (name := path.relative_to(_FOLDER).as_posix()) not in own
    }


def new_workload(name: str) -> dict[str, str]:
    """What `toolkit add` writes for a workload, by path; its catalog table is `catalog_table`."""
    words = {"hello": check_name("workload", name)}
    module = name.replace("-", "_")
    return {
        f"workloads/{module}.py": _of_starter("workloads/hello.py", {}).replace(
            "Greet somebody: a first workload, to be replaced by your own.",
            f"The workload {name}: replace this by your own.",
        ),
        f"tests/test_{module}.py": _of_starter(
            "tests/test_hello.py",
            {"`hello`": f"`{name}`", "workloads.hello": f"workloads.{module}"},
        ),
        f"schedules/{name}.toml": _of_starter("schedules/hello.toml", words),
    }


def catalog_table(name: str) -> str:
    """The table of a new workload, to be appended to `workloads/catalog.toml`."""
    text = (_STARTER / "workloads" / "catalog.toml").read_text("utf-8")
    table = text[text.index("[workloads.hello]") :]
    module = name.replace("-", "_")
    words = {
        "workloads.hello:run": f"workloads.{module}:run",
        "[workloads.hello": f"[workloads.{name}",
    }
    return _filled(table, words)


def program_of(command: Sequence[str]) -> str | None:
    """The file below `workloads/` that a command names first, itself or after an interpreter.

    None where it names none: then the program is one of the image.

    >>> program_of(["python", "bin/report.py", "{scheduled_date}"])
    'bin/report.py'
    """
    for place, word in enumerate(command[:2]):
        path = PurePosixPath(word)
        named = "/" in word or (place == 1 and path.suffix in (".py", ".sh"))
        if named and not path.is_absolute() and "{" not in word and ".." not in path.parts:
            return str(path)
    return None


def new_program(name: str, program: str | None) -> dict[str, str]:
    """What `toolkit add --command` writes, by path; ``program`` is the file to start with.

    None where the program is there already, or is one of the image.
    """
    words = {"report": check_name("workload", name)}
    module = name.replace("-", "_")
    schedule = _of_starter("schedules/hello.toml", {"hello": name})
    if program is None:
        return {
            f"tests/test_{module}.py": _of_program("test_own.py", words),
            f"schedules/{name}.toml": schedule.partition("\n[env]")[0],
        }
    first = "report.py" if program.endswith(".py") else "report.sh"
    return {
        f"workloads/{program}": _of_program(first, {"workload report": f"workload {name}"}),
        f"tests/test_{module}.py": _of_program("test_report.py", words),
        f"schedules/{name}.toml": schedule,
    }


def program_table(
    name: str, command: Sequence[str], settings: Mapping[str, str], *, starts: bool
) -> str:
    """The catalog's table of a workload that is a program.

    Args:
        name: of the workload.
        command: the program and its arguments.
        settings: the default of each variable to declare; its type follows from it.
        starts: whether the program is the one that `new_program` writes. Of another one nobody
            knows artifacts and gates.
    """
    declared = "".join(_variable(*setting) for setting in settings.items())
    text = (_PROGRAM / "catalog.toml").read_text("utf-8")
    if starts:
        text = text.replace(_SETTINGS, _SETTINGS + declared)
    else:
        text = text.partition(_SETTINGS)[0].replace('gates = ["characters"]\n', "")
        text = text.replace("Greets somebody by a program, and proves it", _SUMMARY)
        text += _SETTINGS + declared if declared else ""
    words = {"workloads.report": f"workloads.{name}", '["COMMAND"]': _quoted(list(command))}
    return _filled(text, words)


_SUMMARY = "Runs a program"


def _variable(name: str, default: str) -> str:
    kind, as_it_is = next(
        (kind, as_it_is) for pattern, kind, as_it_is in _TYPES if pattern.fullmatch(default)
    )
    value = default if as_it_is else _quoted(default)
    return f'{name} = {{ type = "{kind}", default = {value}, meaning = "to be described" }}\n'


def _quoted(thing: str | list[str]) -> str:
    """A text or a list of texts in TOML: as in JSON, but for the escaped DEL."""
    return json.dumps(thing, ensure_ascii=False).replace("\x7f", "\\u007f")


def _of_program(path: str, words: Mapping[str, str]) -> str:
    return _filled((_PROGRAM / path).read_text("utf-8"), words)


def _of_starter(path: str, words: Mapping[str, str]) -> str:
    return _filled((_STARTER / path).read_text("utf-8"), words)


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text
