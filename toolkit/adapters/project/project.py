"""The files of a project: toolkit.toml, the templates and one TOML a schedule."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from attrs import evolve

from toolkit.adapters.project import edits, toml_edits
from toolkit.adapters.project.edits import Edit, Staged, read, replace
from toolkit.core.deploying.config import CONFIG, SHAPE, Config, parse
from toolkit.core.deploying.strays import strays, without
from toolkit.core.deploying.toml_text import check_shape, line_of, toml_table
from toolkit.core.errors import ConfigError
from toolkit.core.names import AUDIT, check_workloads
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.schedule_file import SHAPE as SCHEDULE_SHAPE
from toolkit.core.schedules.schedule_file import audit_table, merged
from toolkit.runtime.catalog import Catalog, reserved

CATALOG = "workloads/catalog.toml"
_TEMPLATES = Path(__file__).resolve().parents[2] / "project" / "templates"


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

    def add_audit(self) -> None:
        """Add the toolkit's own workload, where the environment has it."""
        self._catalog = Catalog({**self.catalog.workloads, **reserved().workloads})

    def _read_catalog(self) -> Catalog:
        path = self.root / CATALOG
        if not path.is_file():
            raise ConfigError(f"{CATALOG} is missing in {self.root}")
        text = read(path, CATALOG)
        toml_table(text, CATALOG)
        catalog = Catalog.parse(text)
        check_workloads(catalog.workloads)
        return catalog

    def check_table(self, table: str) -> None:
        """Raise ConfigError or ContractError where the catalog could not take this table."""
        check_workloads(Catalog.parse(self._with_table(table)).workloads)

    def append_to_catalog(self, table: str) -> None:
        """Put a table at the end of `workloads/catalog.toml`, in one step."""
        self.check_table(table)
        replace(self.root / CATALOG, self._with_table(table))
        self._catalog = None

    def _with_table(self, table: str) -> str:
        text = read(self.root / CATALOG, CATALOG).rstrip("\n")
        return f"{text}\n\n{table}" if text else table

    def config(self, environment: str) -> Config:
        """One environment of `toolkit.toml`."""
        return self._parsed_config(self.config_text(), environment)

    def environments(self) -> list[str]:
        """The environments that `toolkit.toml` names, in its order."""
        return list(toml_table(self.config_text(), CONFIG))

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
        return {name: read(path, name) for name, path in named.items() if path.is_file()}

    def text(self, path: str) -> str:
        """A file of the project; raises ConfigError for one that is outside of it."""
        if not (self.root / path).resolve().is_relative_to(self.root.resolve()):
            raise ConfigError(f"{path} is outside of the project")
        return read(self.root / path, path)

    def config_text(self) -> str:
        """The text of `toolkit.toml`."""
        return read(self.root / CONFIG, CONFIG)

    def write_config(self, text: str) -> None:
        """Put `toolkit.toml` in place in one step."""
        replace(self.root / CONFIG, text)

    def schedule_names(self) -> list[str]:
        """The names of the schedules that have a file."""
        return sorted(path.stem for path in (self.root / "schedules").glob("*.toml"))

    def schedules(self, config: Config | None) -> dict[str, Schedule]:
        """All schedules by name; raises one ConfigError for all that are wrong.

        With a config as they are in that environment: what its tables say goes before the files,
        and its parameters for all schedules go below them. Without, as their files alone say.
        """
        found: dict[str, Schedule] = {}
        problems: list[ConfigError] = []
        for name in self.schedule_names():
            try:
                found[name] = self._schedule(name, config)
            except ConfigError as error:
                problems.append(error)
        if config is not None and config.audit and AUDIT not in found:
            found[AUDIT] = self._effective(AUDIT, audit_table(config.audit), config)
        if len(problems) > 1:
            lines = [f"{p.message}" + (f" ({p.hint})" if p.hint else "") for p in problems]
            raise ConfigError(f"{len(problems)} schedules cannot be read\n" + "\n".join(lines))
        if problems:
            raise problems[0]
        return found

    def schedule(self, name: str, config: Config | None) -> Schedule | None:
        """One schedule, or None when it has no file; see `schedules`."""
        if self._schedule_path(name).is_file():
            return self._schedule(name, config)
        if config is not None and config.audit and name == AUDIT:
            return self._effective(AUDIT, audit_table(config.audit), config)
        return None

    def schedule_file(self, name: str) -> str:
        """The path of a schedule's file within the project."""
        return f"schedules/{name}.toml"

    def schedule_text(self, name: str) -> str | None:
        """The text of a schedule's file, or None when it has none."""
        path = self._schedule_path(name)
        return read(path, f"schedules/{name}.toml") if path.is_file() else None

    def edit(
        self, environment: str, name: str, changes: Mapping[str, Any], over: Edit | None = None
    ) -> Edit:
        """The edit that changes some keys of a schedule for an environment.

        A key is changed in the environment's table of `toolkit.toml` where that holds it, else in
        the schedule's file; a pause always in the table, except of the default environment. A value
        of None removes the key; ``env`` is merged key by key.

        Args:
            environment: whose table goes before the file.
            name: the schedule.
            changes: keys of the file and their new values.
            over: an edit to go on from.
        """
        made = over or Edit()
        config = made.texts.get(CONFIG) or self.config_text()
        document = toml_table(config, CONFIG)
        file = self.schedule_file(name)
        known = made.texts.get(file) or self.schedule_text(name)
        base = toml_table(known or "", file)
        for path, own in edits.owned(document, base, environment, name, changes).items():
            if path:
                before = made.texts.get(CONFIG) or config
                text = toml_edits.edited(before, CONFIG, own, path)
                made = made.changing(CONFIG, before, text, edits.place(path))
            else:
                text = toml_edits.edited(known or "", file, own)
                made = made.changing(file, known, text, file)
        return made

    def edited(self, name: str, changes: Mapping[str, Any]) -> str:
        """The text of a schedule's file with some keys changed; see `toml_edits.edited`."""
        return toml_edits.edited(self.schedule_text(name) or "", self.schedule_file(name), changes)

    def removal(self, name: str) -> Edit:
        """The edit that takes a schedule's tables out of `toolkit.toml`, in all environments."""
        text = self.config_text()
        document = toml_table(text, CONFIG)
        paths = [
            (environment, "schedules", name)
            for environment, rows in document.items()
            if name in rows.get("schedules", {})
        ]
        if not paths:
            return Edit()
        shorter = toml_edits.without(text, CONFIG, paths)
        return Edit().changing(CONFIG, text, shorter, *map(edits.place, paths))

    def parse_schedule(self, name: str, text: str, config: Config | None = None) -> Schedule:
        """Read the text of a schedule's file without writing it; see `schedules`."""
        file = self.schedule_file(name)
        return self._effective(name, _table(text, file, SCHEDULE_SHAPE), config)

    def edited_schedule(self, config: Config, name: str, edit: Edit) -> tuple[Schedule, Config]:
        """A schedule as an edit would leave it, and the environment then."""
        if CONFIG in edit.texts:
            parsed = self._parsed_config(edit.texts[CONFIG], config.environment, {name})
            config = evolve(config, schedules=parsed.schedules)
        file = self.schedule_file(name)
        text = edit.texts.get(file, self.schedule_text(name) or "")
        return self.parse_schedule(name, text, config), config

    def staged(self, edit: Edit) -> AbstractContextManager[Staged]:
        """The files of an edit, written beside their places; see `edits.staged`."""
        return edits.staged(self.root, edit)

    def write(self, edit: Edit) -> None:
        """Put the files of an edit in place."""
        with self.staged(edit) as staged:
            staged.commit()

    def remove_schedule(self, name: str) -> None:
        """Delete a schedule's file."""
        self._schedule_path(name).unlink(missing_ok=True)

    def _schedule_path(self, name: str) -> Path:
        return self.root / self.schedule_file(name)

    def _schedule(self, name: str, config: Config | None) -> Schedule:
        table = self._toml(self._schedule_path(name), SCHEDULE_SHAPE)
        return self._effective(name, table, config)

    def _effective(self, name: str, table: Mapping[str, Any], config: Config | None) -> Schedule:
        # The file must stand alone: so what is wrong with the whole is in the environment's table.
        schedule = Schedule.from_file(name, table, self.catalog)
        if config is None:
            return schedule
        if own := config.schedules.get(name):
            whole = merged(table, own.values)
            schedule = Schedule.from_file(name, whole, self.catalog, own.where)
        return evolve(schedule, launch={**config.schedule, **schedule.launch})

    def _parsed_config(self, text: str, environment: str, new: Collection[str] = ()) -> Config:
        document = _table(text, CONFIG, SHAPE)
        schedules, workloads = {*self.schedule_names(), *new}, self.catalog.workloads

        def where(path: tuple[str, str, str]) -> str:
            return f"{CONFIG}, line {line_of(text, path)}"

        found = tuple(strays(document, schedules, workloads, where))
        config = parse(without(document, found), environment, self.catalog)
        return evolve(config, strays=found)

    def _toml(self, path: Path, shape: Mapping[str, Any]) -> dict[str, Any]:
        where = str(path.relative_to(self.root))
        return _table(read(path, where), where, shape)


def _table(text: str, where: str, shape: Mapping[str, Any]) -> dict[str, Any]:
    table = toml_table(text, where)
    check_shape(table, shape, text, where)
    return table
