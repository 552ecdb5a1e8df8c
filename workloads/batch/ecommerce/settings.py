"""What a run of the workload can be asked for; `workloads/catalog.toml` gives the defaults."""

from collections.abc import Mapping
from typing import Any, Self

from attrs import frozen

from toolkit.runtime import ContractError, Json

MIN_DAILY_ORDERS = 100


@frozen
class Settings:
    """How many ``orders`` over how many ``days`` (up to the scheduled day), and which shop.

    ``chunk_orders`` bounds the memory of a run and never changes its result.
    """

    orders: int
    days: int
    seed: int
    chunk_orders: int

    @classmethod
    def of(cls, values: Mapping[str, Json]) -> Self:
        """The settings that the catalog has parsed and checked.

        Raises ContractError where a day would have too few orders for a spike to stand out.
        """
        fields: dict[str, Any] = dict(values)
        settings = cls(**fields)
        least = MIN_DAILY_ORDERS * settings.days
        if settings.orders < least:
            raise ContractError(
                f"ORDERS={settings.orders} over DAYS={settings.days} is too few to analyse: "
                f"ask for at least {least} orders ({MIN_DAILY_ORDERS} a day)"
            )
        return settings
