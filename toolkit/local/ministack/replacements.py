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

_registered: dict[str, list[Function]] = {}
_installed = False


def replaces(*names: str) -> Callable[[F], F]:
    """Register a function for names below ``ministack.``; of several, the last is the outermost."""

    if _installed:
        raise RuntimeError(f"too late to replace {', '.join(names)}: import it before the start")

    def register(function: F) -> F:
        for name in names:
            _registered.setdefault(name, []).append(function)
        return function

    return register


def install() -> None:
    """Put every registered function in its place."""
    global _installed
    _installed = True
    current: dict[int, tuple[Any, Any]] = {}
    for name, functions in _registered.items():
        original = replacement = find(name)
        for function in functions:
            replacement = partial(function, replacement)
        current[id(original)] = original, replacement  # the original lives on, and so does its id
    modules = [module for name, module in sys.modules.items() if name.startswith("ministack.")]
    for module in modules:
        for alias, value in list(vars(module).items()):
            if id(value) in current:
                setattr(module, alias, current[id(value)][1])


def find(name: str) -> Any:
    """What goes by a name below ``ministack.``; ImportError or AttributeError if nothing does."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(f"ministack.{module}"), attribute)
