"""The files of a project: toolkit.toml, the templates and one TOML a schedule."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from attrs import frozen

from toolkit.core.deploying.config import SHAPE, Config, parse
from toolkit.core.deploying.toml_text import check_shape, toml_table, toml_text
from toolkit.core.errors import ConfigError
from toolkit.core.names import check_workloads
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.schedule_file import SHAPE as SCHEDULE_SHAPE
from toolkit.runtime.catalog import Catalog

CONFIG = "toolkit.toml"
CATALOG = "workloads/catalog.toml"
_TEMPLATES = Path(__file__).resolve().parents[1] / "project" / "templates"


class Project:
    """A directory with a `toolkit.toml`."""

    def __init__(self, root: Path, catalog: Catalog | None = None) -> None:
        self.root = root
        self._catalog = catalog

    @classmethod
    def find(cls, start: Path) -> "Project":
        """The project that ``start`` lies in: the nearest directory upwards with the file."""
        for directory in (start.resolve(), *start.resolve().parents):
            if (directory / CONFIG).is_file():
                return cls(directory)
        raise ConfigError(
            f"no {CONFIG} in {start.resolve()} or above it",
            hint="change into the project's directory, or name it with --project",
        )

    @property
    def catalog(self) -> Catalog:
        """The project's workloads, from `workloads/catalog.toml`; read once."""
        if self._catalog is None:
            self._catalog = self._read_catalog()
        return self._catalog

    def _read_catalog(self) -> Catalog:
        path = self.root / CATALOG
        if not path.is_file():
            raise ConfigError(f"{CATALOG} is missing in {self.root}")
        text = _read(path, CATALOG)
        toml_table(text, CATALOG)
        catalog = Catalog.parse(text)
        check_workloads(catalog.workloads)
        return catalog

    def append_to_catalog(self, table: str) -> None:
        """Put a table at the end of `workloads/catalog.toml`, in one step."""
        text = _read(self.root / CATALOG, CATALOG).rstrip("\n")
        whole = f"{text}\n\n{table}" if text else table
        Catalog.parse(whole)
        _replace(self.root / CATALOG, whole)
        self._catalog = None

    def config(self, environment: str) -> Config:
        """One environment of `toolkit.toml`."""
        return parse(self._toml(self.root / CONFIG, SHAPE), environment, self.catalog)

    def template(self, noun: str) -> str:
        """The text of `templates/<noun>.yaml`: the project's own, or the installed toolkit's."""
        return self._template(f"{noun}.yaml").read_text("utf-8")

    def _template(self, name: str) -> Path:
        own = self.root / "templates" / name
        return own if own.is_file() else _TEMPLATES / name

    def sources(self) -> dict[str, str]:
        """What a release holds besides the templates, by path: text to look at, and its script."""
        script = self._template("deploy.sh")
        catalog = self.root / "workloads" / "catalog.toml"
        named = {script.name: script, catalog.name: catalog}
        paths = sorted((self.root / "schedules").glob("*.toml"))
        named |= {f"schedules/{path.name}": path for path in paths}
        return {name: _read(path, name) for name, path in named.items() if path.is_file()}

    def text(self, path: str) -> str:
        """A file of the project; raises ConfigError for one that is outside of it."""
        if not (self.root / path).resolve().is_relative_to(self.root.resolve()):
            raise ConfigError(f"{path} is outside of the project")
        return _read(self.root / path, path)

    def config_text(self) -> str:
        """The text of `toolkit.toml`."""
        return _read(self.root / CONFIG, CONFIG)

    def write_config(self, text: str) -> None:
        """Put `toolkit.toml` in place in one step."""
        _replace(self.root / CONFIG, text)

    def schedules(self) -> dict[str, Schedule]:
        """All schedules by name; raises one ConfigError for all files that are wrong."""
        found: dict[str, Schedule] = {}
        problems: list[ConfigError] = []
        for path in sorted((self.root / "schedules").glob("*.toml")):
            try:
                found[path.stem] = self._schedule(path)
            except ConfigError as error:
                problems.append(error)
        if len(problems) > 1:
            lines = [f"{p.message}" + (f" ({p.hint})" if p.hint else "") for p in problems]
            raise ConfigError(f"{len(problems)} schedules cannot be read\n" + "\n".join(lines))
        if problems:
            raise problems[0]
        return found

    def schedule(self, name: str) -> Schedule | None:
        """One schedule, or None when it has no file."""
        path = self._schedule_path(name)
        return self._schedule(path) if path.is_file() else None

    def schedule_text(self, name: str) -> str | None:
        """The text of a schedule's file, or None when it has none."""
        path = self._schedule_path(name)
        return _read(path, f"schedules/{name}.toml") if path.is_file() else None

    def edited(self, name: str, changes: Mapping[str, Any]) -> str:
        """The file's text with some keys changed; comments and order stay as they are.

        A value of None removes the key; ``env`` is merged key by key, in the same way.
        """
        text = self.schedule_text(name) or ""
        before = toml_table(text, f"schedules/{name}.toml")
        document = tomlkit.parse(text)
        for key, value in changes.items():
            if key != "env":
                _set(document, key, value, before.get(key))
        own = changes.get("env") or {}
        if any(value is not None for value in own.values()):
            document.setdefault("env", tomlkit.table())
        for variable, value in own.items():
            _set(document.get("env", {}), variable, value, before.get("env", {}).get(variable))
        edited = tomlkit.dumps(document)
        # tomlkit ends its own lines with LF.
        return re.sub(r"\r?\n", "\r\n", edited) if "\r\n" in text else edited

    def parse_schedule(self, name: str, text: str) -> Schedule:
        """Read the text of a schedule's file without writing it."""
        where = f"schedules/{name}.toml"
        return Schedule.from_file(name, _table(text, where, SCHEDULE_SHAPE), self.catalog)

    def write_schedule(self, name: str, text: str) -> None:
        """Put a schedule's file in place in one step: no reader sees half of it."""
        with self.staged_schedule(name, text, self.schedule_text(name)) as staged:
            staged.commit()

    @contextmanager
    def staged_schedule(self, name: str, text: str, earlier: str | None) -> Iterator["Staged"]:
        """A schedule's file, written beside its place: ``commit`` puts it there in one step.

        So a full disk shows before anything is deployed. Without ``commit`` nothing changes.
        ``earlier`` is the text that the change was made from: another one by now is a ConfigError.
        """
        path = self._schedule_path(name)
        _check_text(path, earlier)
        path.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).chmod(0o644)  # mkstemp made it private
            yield Staged(Path(temporary), path, earlier)
        finally:
            Path(temporary).unlink(missing_ok=True)

    def remove_schedule(self, name: str) -> None:
        """Delete a schedule's file."""
        self._schedule_path(name).unlink(missing_ok=True)

    def _schedule_path(self, name: str) -> Path:
        return self.root / "schedules" / f"{name}.toml"

    def _schedule(self, path: Path) -> Schedule:
        return Schedule.from_file(path.stem, self._toml(path, SCHEDULE_SHAPE), self.catalog)

    def _toml(self, path: Path, shape: Mapping[str, Any]) -> dict[str, Any]:
        where = str(path.relative_to(self.root))
        return _table(_read(path, where), where, shape)


@frozen
class Staged:
    """The text of a schedule's file, written but not yet in its place."""

    temporary: Path
    path: Path
    earlier: str | None

    def commit(self) -> None:
        """Put it there, over the earlier text."""
        _check_text(self.path, self.earlier)
        self.temporary.replace(self.path)


def _check_text(path: Path, earlier: str | None) -> None:
    text = _read(path, f"{path.parent.name}/{path.name}") if path.is_file() else None
    if text != earlier:
        raise ConfigError(
            f"{path.parent.name}/{path.name} was changed by somebody else meanwhile",
            hint="it was left as it is; compare: toolkit schedules diff",
        )


def _set(table: MutableMapping[str, Any], key: str, value: Any, before: Any) -> None:
    if value is None:
        table.pop(key, None)
    elif value != before:
        table[key] = value


def _read(path: Path, where: str) -> str:
    try:
        return toml_text(path.read_bytes(), where)
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).chmod(0o644)  # mkstemp made it private
    Path(temporary).replace(path)


def _table(text: str, where: str, shape: Mapping[str, Any]) -> dict[str, Any]:
    table = toml_table(text, where)
    check_shape(table, shape, text, where)
    return table
