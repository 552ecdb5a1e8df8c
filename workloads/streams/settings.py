"""The settings of a trade stream, typed, and the honesty check between feed label and address."""

from collections.abc import Mapping
from typing import Self
from urllib.parse import quote, urlsplit

from attrs import field, fields, frozen

from toolkit.runtime import ContractError, Json

# The exchange's own hosts; the market data is the same on the first two, binance.us has its own.
HOSTS = ("binance.com", "binance.vision", "binance.us")
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
    ema_fast_seconds: float = 15.0
    ema_slow_seconds: float = 60.0
    window_seconds: int = 60
    zscore_limit: float = 3.0
    imbalance_limit: float = 0.6

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> Self:
        """From the catalog's typed values; raises ContractError when two of them contradict."""
        known = {attribute.name for attribute in fields(cls)}
        values = {name: value for name, value in settings.items() if name in known}
        made = cls(**values)  # type: ignore[arg-type] # the catalog has typed and checked them
        made.check()
        return made

    def check(self) -> None:
        """Refuse what would make the run's record untrue or its signals meaningless."""
        host = urlsplit(self.base_url).hostname or ""
        exchange = any(host == name or host.endswith(f".{name}") for name in HOSTS)
        if exchange != (self.feed == "binance"):
            wanted = "binance" if exchange else "synthetic or recorded"
            raise ContractError(
                f"FEED={self.feed} but BASE_URL={self.base_url}: set FEED to {wanted}, so that "
                "the manifest says where the trades came from"
            )
        if self.ema_fast_seconds >= self.ema_slow_seconds:
            raise ContractError(
                f"EMA_FAST_SECONDS={self.ema_fast_seconds:g} must be below "
                f"EMA_SLOW_SECONDS={self.ema_slow_seconds:g}"
            )
        if self.silence_event_seconds > self.silence_error_seconds:
            raise ContractError(
                f"SILENCE_EVENT_SECONDS={self.silence_event_seconds:g} is above "
                f"SILENCE_ERROR_SECONDS={self.silence_error_seconds:g}"
            )

    @property
    def url(self) -> str:
        """The address of the raw trade stream; stream names are in lower case."""
        return f"{self.base_url.rstrip('/')}/ws/{quote(self.symbol.lower())}@trade"
