"""A setting of a workload, and how the text of its environment variable becomes a typed value."""

import math
import re

from attrs import field, frozen

from toolkit.runtime.contract import ContractError, Json
from toolkit.runtime.urls import REDACTED, check_url, hide_credentials

TYPES = ("str", "int", "float", "bool", "url")
_BEYOND = 2**63  # whole numbers that numpy, JSON readers and float() cannot take
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@frozen
class Variable:
    """One setting of a workload, read from the environment variable ``name``."""

    name: str
    type: str
    default: str
    meaning: str
    choices: tuple[str, ...] = field(default=(), converter=tuple)
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    example: str | None = None
    secret: bool = False
    schemes: tuple[str, ...] = field(default=("http", "https"), converter=tuple)  # of a url

    def parse(self, text: str) -> str | int | float | bool:
        """The typed value of ``text``; raises ContractError naming the variable and the rule."""
        value = self._convert(text)
        if self.type == "url":
            self._check_url(text)
        if self.choices and text not in self.choices:
            raise ContractError(f"{self._told(text)}: choose one of {', '.join(self.choices)}")
        if self.pattern is not None and re.fullmatch(self.pattern, text) is None:
            raise ContractError(
                f"{self._told(text)} does not match {self.pattern}{self._exemplified()}"
            )
        if not isinstance(value, str):
            self._check_range(text, value)
        return value

    def shown(self, value: Json) -> Json:
        """The value as a log may tell it: secrets and the credentials of URLs redacted."""
        if self.secret:
            return REDACTED
        return hide_credentials(value) if isinstance(value, str) else value

    def _told(self, text: str) -> str:
        return f"{self.name}={REDACTED if self.secret else repr(hide_credentials(text))}"

    def _exemplified(self) -> str:
        return f", for example {self.example}" if self.example else ""

    def _check_url(self, text: str) -> None:
        try:
            check_url(text, self.schemes)
        except ContractError as error:
            raise ContractError(f"{self._told(text)} {error}{self._exemplified()}") from error

    def _convert(self, text: str) -> str | int | float | bool:
        # Python also reads " 5 ", "1_000" and the digits of other scripts.
        plain = text.isascii() and "_" not in text and text == text.strip()
        try:
            if self.type in ("int", "float") and not plain:
                raise ValueError
            if self.type == "int":
                return int(text)
            if self.type == "float":
                return float(text)
        except ValueError:
            kind = "a whole number" if self.type == "int" else "a number"
            raise ContractError(f"{self._told(text)} is not {kind}") from None
        if self.type == "bool":
            if text.lower() in _TRUE:
                return True
            if text.lower() in _FALSE:
                return False
            raise ContractError(f"{self._told(text)} is neither true nor false")
        return text

    def _check_range(self, text: str, value: float) -> None:
        if abs(value) >= _BEYOND and isinstance(value, int):
            raise ContractError(f"{self._told(text[:40])} is too large")
        # NaN compares false with everything and would slip through both bounds.
        if not math.isfinite(value):
            raise ContractError(f"{self._told(text)} is not a finite number")
        if self.minimum is not None and value < self.minimum:
            raise ContractError(f"{self._told(text)} is below the minimum {self.minimum:g}")
        if self.maximum is not None and value > self.maximum:
            raise ContractError(f"{self._told(text)} is above the maximum {self.maximum:g}")
