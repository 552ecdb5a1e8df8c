"""Frames and payloads as the exchange sends them, for the stream's tests."""

from workloads.streams.messages import SCALE, Trade

TEXT, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x0, 0x8, 0x9, 0xA


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True) -> bytes:
    """A server's frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 1 << 16:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([(0x80 if final else 0) | opcode]) + length + payload


def decimal(value: int) -> str:
    """A number of 1e-8 with the eight decimals that the exchange always sends."""
    return f"{value // SCALE}.{value % SCALE:08d}"


def payload(trade: Trade, symbol: str = "BNBUSDT") -> bytes:
    """The message of a trade, as of 2026: without order ids."""
    maker = "true" if trade.buyer_is_maker else "false"
    return (
        f'{{"e":"trade","E":{trade.event_time},"s":"{symbol}","t":{trade.trade_id},'
        f'"p":"{decimal(trade.price)}","q":"{decimal(trade.quantity)}",'
        f'"T":{trade.trade_time},"m":{maker},"M":true}}'
    ).encode()


def trade(number: int = 0, *, second: int = 0, price: float = 585.0, maker: bool = False) -> Trade:
    """An ordinary trade, the ``number``-th."""
    time = 1_795_000_000_000 + second * 1000
    units = round(price * SCALE)
    return Trade(time + 1, 1_300_000_000 + number, units, SCALE // 4, time, maker)
