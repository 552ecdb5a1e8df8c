"""The settings of a trade stream, typed. What they must fulfil stands in catalog.toml."""

from collections.abc import Mapping
from typing import Self
from urllib.parse import quote

from attrs import field, fields, frozen

from toolkit.runtime import Json

ENDPOINTS = (
    # 443 first: the shipped security group lets nothing else out.
    "wss://stream.binance.com:443",
    "wss://stream.binance.com:9443",
    "wss://data-stream.binance.vision",
    "wss://stream.binance.us:9443 (another exchange: other books, thinner)",
)


def _upper(text: str) -> str:
    return text.upper()


@frozen
class Settings:
    """One trade stream. Times in seconds unless the name says otherwise."""

    symbol: str = field(default="BNBUSDT", converter=_upper)
    run_seconds: int = 7200
    base_url: str = ENDPOINTS[0]
    feed: str = "binance"
    batch_milliseconds: int = 250
    connect_timeout_seconds: float = 10.0
    connect_budget_seconds: float = 60.0
    silence_event_seconds: float = 30.0
    silence_error_seconds: float = 300.0
    summary_seconds: float = 300.0
    missing_limit: int = 0
    correction_limit: int = 0
    ema_fast_seconds: float = 15.0
    ema_slow_seconds: float = 60.0
    window_seconds: int = 60
    zscore_limit: float = 3.0
    imbalance_limit: float = 0.6

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> Self:
        """From the values that the catalog has typed and checked."""
        known = {attribute.name for attribute in fields(cls)}
        values = {name: value for name, value in settings.items() if name in known}
        return cls(**values)  # type: ignore[arg-type] # the catalog has typed and checked them

    @property
    def url(self) -> str:
        """The address of the raw trade stream; stream names are in lower case."""
        return f"{self.base_url.rstrip('/')}/ws/{quote(self.symbol.lower())}@trade"
