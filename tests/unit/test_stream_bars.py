from hypothesis import given
from hypothesis import strategies as st

from tests.stream_frames import trade
from workloads.streams.bars import Bar, Bars
from workloads.streams.messages import SCALE, Trade, Trades

TRADES = st.lists(
    st.builds(
        Trade,
        event_time=st.just(0),
        trade_id=st.just(0),
        price=st.integers(1, 10**17),
        quantity=st.integers(1, 4_611_686_041_400_000_000),  # the exchange's largest
        trade_time=st.integers(0, 12_000),
        buyer_is_maker=st.booleans(),
    ),
    max_size=60,
)


def build(*batches: list[Trade]) -> tuple[list[Bar], int]:
    bars = Bars()
    closed = [bar for batch in batches for bar in bars.add(Trades.of(batch))]
    return closed + bars.finish(), bars.late


def one_by_one(trades: list[Trade]) -> list[Bar]:
    """The definition, written with no thought for speed."""
    seconds: dict[int, list[Trade]] = {}
    now = 0
    for t in trades:
        now = max(now, t.trade_time // 1000)
        seconds.setdefault(now, []).append(t)
    return [
        Bar(
            second=second,
            open=some[0].price,
            high=max(t.price for t in some),
            low=min(t.price for t in some),
            close=some[-1].price,
            volume=sum(t.quantity for t in some),
            quote_volume=sum(round(float(t.price) * (float(t.quantity) / SCALE)) for t in some),
            buy_volume=sum(t.quantity for t in some if not t.buyer_is_maker),
            trades=len(some),
        )
        for second, some in seconds.items()
    ]


@given(TRADES)
def test_bars_are_what_their_definition_says(trades: list[Trade]) -> None:
    assert build(trades)[0] == one_by_one(trades)


@given(TRADES, st.lists(st.integers(0, 60), max_size=8))
def test_bars_do_not_depend_on_how_the_stream_was_cut(trades: list[Trade], cuts: list[int]) -> None:
    ends = sorted({*(c for c in cuts if c <= len(trades)), len(trades)})
    batches = [trades[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    assert build(*batches) == build(trades)


def test_a_trade_of_a_closed_second_counts_in_the_open_bar() -> None:
    bars, late = build([trade(0, second=1), trade(1, second=2), trade(2, second=1)])
    assert [bar.trades for bar in bars] == [1, 2]
    assert late == 1


def test_a_bar_is_a_line_that_a_spreadsheet_reads() -> None:
    [bar] = build([trade(0, price=585.0), trade(1, price=585.5, maker=True)])[0]
    assert bar.csv() == (
        "2026-11-18T11:06:40Z,585,585.5,585,585.5,0.5,292.625,0.25,585.25000000,2\n"
    )


def test_the_value_of_a_trade_is_exact_to_the_last_decimal() -> None:
    price, quantity = 6_412_345_000_000, 123_456_000
    [bar] = build([Trade(0, 0, price, quantity, 0, False)])[0]
    assert bar.quote_volume == 7_916_424_643_200
    assert abs(bar.quote_volume - price * quantity / SCALE) < 1
