"""What the tests of the e-commerce workload share: small shops, hand-made orders and a fake run."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from toolkit.runtime.contract import Artifact, Json
from workloads.batch.ecommerce.generator import stream
from workloads.batch.ecommerce.market import Market
from workloads.batch.ecommerce.orders import Calendar, Orders
from workloads.batch.ecommerce.tally import Tally

CALENDAR = Calendar(date(2024, 11, 24), 730)
SETTINGS: Mapping[str, Json] = {"orders": 200_000, "days": 730, "seed": 1, "chunk_orders": 20_000}


class FakeRun:
    """A Run in memory that is asked to stop after ``chunks`` looks at the stop flag."""

    run_id = "ecommerce-20261124T033000Z"
    origin = "AWS region eu-central-1"
    scheduled_time = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
    scratch = Path()

    def __init__(self, chunks: int = 10**9) -> None:
        self.events: list[tuple[str, dict[str, Json]]] = []
        self.saved: dict[str, tuple[bytes, str, int | None]] = {}
        self._looks = chunks

    def event(self, name: str, **fields: Json) -> None:
        self.events.append((name, fields))

    def save(
        self, name: str, content: bytes | Path, *, media_type: str, rows: int | None = None
    ) -> Artifact:
        assert isinstance(content, bytes)
        self.saved[name] = (content, media_type, rows)
        return Artifact(name, name, len(content), "", media_type, rows)

    def stopping(self) -> bool:
        self._looks -= 1
        return self._looks < 0

    def wait(self, seconds: float) -> bool:
        raise AssertionError("a batch has nothing to wait for")


def tally_of(market: Market, orders: int, chunk_orders: int = 65_536) -> Tally:
    """The tally of a shop."""
    return tally_chunks(stream(market, orders, chunk_orders), market.calendar)


def tally_chunks(chunks: Iterable[Orders], calendar: Calendar) -> Tally:
    """The tally of an order log."""
    tally = Tally(calendar)
    for orders in chunks:
        tally.add(orders)
    tally.finish()
    return tally


def order_log(*rows: tuple[int, int, int, int, int, bool]) -> Orders:
    """Hand-made orders of (day, customer, product, category, cents, returned)."""
    day, customer, product, category, cents, returned = zip(*rows, strict=True)
    return Orders(
        day=np.array(day, dtype=np.int32),
        customer=np.array(customer, dtype=np.int64),
        product=np.array(product, dtype=np.uint16),
        category=np.array(category, dtype=np.uint8),
        cents=np.array(cents, dtype=np.int32),
        promoted=np.zeros(len(day), dtype=bool),
        returned=np.array(returned, dtype=bool),
    )
