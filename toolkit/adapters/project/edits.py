"""Edits of the project's TOML files: which table or file takes a change, and putting it there.

An edit is made in memory, written beside its files, and put in place once what it asks for is
deployed.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from attrs import frozen

from toolkit.adapters.project.toml_edits import at
from toolkit.core.deploying.config import CONFIG, DEFAULT
from toolkit.core.deploying.toml_text import toml_text
from toolkit.core.errors import ConfigError


@frozen
class Edit:
    """New texts of files by their paths within the project, and the texts they were made from.

    ``places`` are the files and tables that were changed, for people. An earlier text of None says
    that there is no such file yet.
    """

    texts: Mapping[str, str] = {}
    earlier: Mapping[str, str | None] = {}
    places: tuple[str, ...] = ()

    def changing(self, path: str, before: str | None, text: str, *places: str) -> "Edit":
        """The same with one more text; one that is as before changes nothing."""
        known = self.earlier.get(path, before)
        changed = () if text == (before or "") else places
        texts, earlier = {**self.texts, path: text}, {**self.earlier, path: known}
        return Edit(texts, earlier, (*self.places, *changed))

    @property
    def changed(self) -> dict[str, str]:
        """The texts that are not as they were."""
        return {path: text for path, text in self.texts.items() if text != self.earlier[path]}


@contextmanager
def staged(root: Path, edit: Edit) -> Iterator["Staged"]:
    """The files of an edit, written beside their places: ``commit`` puts each there in one step.

    So a full disk shows before anything is deployed. Without ``commit`` nothing changes. A file
    that is not what the edit was made from is a ConfigError.
    """
    with ExitStack() as stack:
        rows = []
        for path, text in edit.changed.items():
            check_unchanged(root, path, edit.earlier[path])
            rows.append((stack.enter_context(_beside(root / path, text)), path))
        yield Staged(root, edit, tuple(rows))


@frozen
class Staged:
    """The texts of an edit, written but not yet in their places."""

    root: Path
    edit: Edit
    temporary: tuple[tuple[Path, str], ...]

    def commit(self) -> None:
        """Put them there, over the earlier texts."""
        for path in self.edit.changed:
            check_unchanged(self.root, path, self.edit.earlier[path])
        for temporary, path in self.temporary:
            temporary.replace(self.root / path)


def check_unchanged(root: Path, path: str, earlier: str | None) -> None:
    """Refuse to go on where somebody else has changed a file."""
    text = read(root / path, path) if (root / path).is_file() else None
    if text != earlier:
        raise ConfigError(
            f"{path} was changed by somebody else meanwhile",
            hint="it was left as it is; compare: toolkit schedules diff",
        )


def read(path: Path, where: str) -> str:
    """The text of a file; ``where`` is its name in messages."""
    try:
        return toml_text(path.read_bytes(), where)
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}") from error


@contextmanager
def _beside(path: Path, text: str) -> Iterator[Path]:
    path.parent.mkdir(exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        temporary.chmod(0o644)  # mkstemp made it private
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def replace(path: Path, text: str) -> None:
    """Put a text in place in one step: no reader sees half of it."""
    with _beside(path, text) as temporary:
        temporary.replace(path)


def owned(
    document: Mapping[str, Any],
    file: Mapping[str, Any],
    environment: str,
    name: str,
    changes: Mapping[str, Any],
) -> dict[tuple[str, ...], dict[str, Any]]:
    """Changes of a schedule by the table of `toolkit.toml` that takes them; () is its file.

    A key is changed in the first table that holds it, else in the file. A pause goes into the
    environment's own table in any case, so that it holds for no other environment.

    Args:
        document: the whole of `toolkit.toml`.
        file: the schedule's file.
        environment: the environment to change.
        name: the schedule.
        changes: keys of a schedule's file; None takes one out.
    """
    # The tables that go before the file, the first one first.
    tables = [(each, "schedules", name) for each in dict.fromkeys((environment, DEFAULT))]
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for key, value in changes.items():
        if key == "pause":
            path, pause = _pause(document, file, tables, environment, value)
            found.setdefault(path, {})[key] = pause
        elif key != "env":
            found.setdefault(_holder(document, tables, (key,)), {})[key] = value
    for variable, value in (changes.get("env") or {}).items():
        holder = found.setdefault(_holder(document, tables, ("env", variable)), {})
        holder.setdefault("env", {})[variable] = value
    return found


def _pause(
    document: Mapping[str, Any],
    file: Mapping[str, Any],
    tables: Sequence[tuple[str, ...]],
    environment: str,
    pause: Mapping[str, Any] | None,
) -> tuple[tuple[str, ...], Mapping[str, Any] | Literal[False] | None]:
    """Where to write a pause, or its end, which is False where a pause of less rank would remain.

    The file's is the default environment's, too, unless that has one in its table.
    """
    own = tables[0]
    if environment == DEFAULT:
        own = _holder(document, tables, ("pause",))
    if pause is not None or not own:
        return own, pause
    below = [at(document, path) for path in tables if path != own]
    inherited = next((table["pause"] for table in (*below, file) if "pause" in table), None)
    return own, False if inherited else None


def place(path: tuple[str, ...]) -> str:
    """What messages call a table of `toolkit.toml`."""
    return f"{CONFIG} [{'.'.join(path)}]"


def _holder(
    document: Mapping[str, Any], tables: Sequence[tuple[str, ...]], key: tuple[str, ...]
) -> tuple[str, ...]:
    *above, last = key
    return next((path for path in tables if last in at(document, (*path, *above))), ())
