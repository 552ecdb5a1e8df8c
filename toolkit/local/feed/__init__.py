"""A market feed: a real WebSocket server that speaks Binance's market-stream protocol.

``python -m toolkit.local.feed`` runs it; tests and the embedded AWS start it in a thread with
`serving`. It is driven by a seeded synthetic market or by a recorded file, and it can misbehave on
request in every way that an exchange does.
Protocol: https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md
"""

from toolkit.local.feed.client import Rules
from toolkit.local.feed.faults import Faults
from toolkit.local.feed.market import Market
from toolkit.local.feed.recording import Recording
from toolkit.local.feed.server import Feed, serving

__all__ = ["Faults", "Feed", "Market", "Recording", "Rules", "serving"]
