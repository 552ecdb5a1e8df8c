"""Functions of ours in the place of ministack's, wherever its modules imported them.

A function that `replaces` a name gets the original as its first argument. It takes its place when
`install` is called: after the import of ministack, and after the table was checked.
"""

import importlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


class Replacements:
    """Functions by the names whose places they take."""

    def __init__(self) -> None:
        self._functions: dict[str, list[Function]] = {}
        self._installed = False

    def replaces(self, *names: str) -> Callable[[F], F]:
        """Register a function for names below ``ministack.``; of several, the last is outermost."""
        if self._installed:
            raise RuntimeError(f"too late to replace {', '.join(names)}: import it before")

        def register(function: F) -> F:
            for name in names:
                self._functions.setdefault(name, []).append(function)
            return function

        return register

    def install(self) -> None:
        """Put every registered function in its place."""
        self._installed = True
        current: dict[int, tuple[Any, Any]] = {}
        for name, functions in self._functions.items():
            original = replacement = find(name)
            for function in functions:
                replacement = partial(function, replacement)
            current[id(original)] = original, replacement  # while it lives, its id is its own
        modules = [module for name, module in sys.modules.items() if name.startswith("ministack.")]
        for module in modules:
            for alias, value in list(vars(module).items()):
                if id(value) in current:
                    setattr(module, alias, current[id(value)][1])


def find(name: str) -> Any:
    """What goes by a name below ``ministack.``; ImportError or AttributeError if nothing does."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(f"ministack.{module}"), attribute)


_overlay = Replacements()
replaces, install = _overlay.replaces, _overlay.install
