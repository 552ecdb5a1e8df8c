"""What is written is read back by the reference implementation, value for value."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stream_frames import decimal, trade
from tests.thorough import examples
from workloads.streams.messages import Trade, Trades
from workloads.streams.parquet import Kind, Writer
from workloads.streams.record import TradeFile

INT64 = st.integers(-(2**63), 2**63 - 1)


def read(path: Path) -> "pq.lib.Table":  # type: ignore[name-defined]
    return pq.read_table(path)


def write(path: Path, kind: Kind, groups: list[np.ndarray]) -> None:
    writer = Writer(path, {"values": kind}, {"feed": "synthetic"})
    for group in groups:
        writer.write([group])
    writer.close()


@settings(max_examples=examples(150))
@given(
    st.lists(st.lists(INT64, min_size=1, max_size=300), min_size=1, max_size=3),
    st.sampled_from([1, 2**20, 2**44]),
)
def test_whole_numbers_survive(groups: list[list[int]], divisor: int) -> None:
    arrays = [np.array(group, dtype=np.int64) // divisor for group in groups]
    with TemporaryDirectory() as directory:
        path = Path(directory, "t.parquet")
        write(path, Kind.INTEGER, arrays)
        assert read(path)["values"].to_pylist() == np.concatenate(arrays).tolist()


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=400))
def test_numbers_survive(values: list[float]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "t.parquet")
        write(path, Kind.NUMBER, [np.array(values)])
        assert read(path)["values"].to_pylist() == values


@given(st.lists(st.booleans(), min_size=1, max_size=400))
def test_booleans_survive(values: list[bool]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "t.parquet")
        write(path, Kind.BOOLEAN, [np.array(values)])
        assert read(path)["values"].to_pylist() == values


@pytest.mark.parametrize("count", [1, 2, 128, 129, 130, 65_536])
def test_blocks_of_every_length_survive(count: int, tmp_path: Path) -> None:
    values = np.cumsum(np.random.default_rng(count).integers(0, 900, count)) + 1_795_000_000_000
    write(tmp_path / "t.parquet", Kind.INTEGER, [values])
    assert read(tmp_path / "t.parquet")["values"].to_pylist() == values.tolist()


def test_a_file_without_rows_has_its_schema(tmp_path: Path) -> None:
    TradeFile(tmp_path / "t.parquet", {}).close()
    table = read(tmp_path / "t.parquet")
    assert table.num_rows == 0
    assert table.column_names[:2] == ["event_time", "trade_id"]


def test_columns_of_unequal_length_are_refused(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "t.parquet", {"a": Kind.INTEGER, "b": Kind.INTEGER}, {})
    with pytest.raises(ValueError, match="column b has 1 rows, not 2"):
        writer.write([np.array([1, 2]), np.array([1])])
    writer.close()


TRADES = st.builds(
    Trade,
    event_time=st.integers(0, 10**13),
    trade_id=st.integers(0, 10**16),
    price=st.integers(0, 2**53),
    quantity=st.integers(0, 2**53),
    trade_time=st.integers(0, 10**13),
    buyer_is_maker=st.booleans(),
)


@given(st.lists(TRADES, max_size=50), st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_every_trade_is_in_the_file_as_the_number_nearest_to_its_text(
    trades: list[Trade], sizes: list[int]
) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "t.parquet")
        file = TradeFile(path, {"symbol": "BNBUSDT"}, row_group=16)
        rest, turn = trades, 0
        while rest:
            size = sizes[turn % len(sizes)]
            file.add(Trades.of(rest[:size]))
            rest, turn = rest[size:], turn + 1
        file.close()
        table = read(path)
    assert table["trade_id"].to_pylist() == [t.trade_id for t in trades]
    assert table["price"].to_pylist() == [float(decimal(t.price)) for t in trades]
    assert table["quantity"].to_pylist() == [float(decimal(t.quantity)) for t in trades]
    assert table["buyer_is_maker"].to_pylist() == [t.buyer_is_maker for t in trades]
    assert table["trade_time"].cast("int64").to_pylist() == [t.trade_time for t in trades]


def test_the_file_says_what_its_columns_are_and_where_the_trades_came_from(tmp_path: Path) -> None:
    file = TradeFile(tmp_path / "t.parquet", {"symbol": "BNBUSDT", "feed": "synthetic"})
    file.add(Trades.of([trade(n, second=n) for n in range(3)]))
    file.close()
    schema = read(tmp_path / "t.parquet").schema
    assert {name: str(schema.field(name).type) for name in schema.names} == {
        "event_time": "timestamp[ms, tz=UTC]",
        "trade_id": "int64",
        "price": "double",
        "quantity": "double",
        "trade_time": "timestamp[ms, tz=UTC]",
        "buyer_is_maker": "bool",
    }
    assert schema.metadata == {b"symbol": b"BNBUSDT", b"feed": b"synthetic"}
