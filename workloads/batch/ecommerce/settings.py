"""What a run of the workload can be asked for; `workloads/catalog.toml` gives the defaults."""

from collections.abc import Mapping
from typing import Any, Self

from attrs import frozen

from toolkit.runtime import Json


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
        """The settings that the catalog has parsed and checked."""
        fields: dict[str, Any] = dict(values)
        return cls(**fields)
