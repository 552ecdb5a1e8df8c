"""What can go wrong with a stream.

::

    StreamError                  message, hint and what was received before
    ├─ RegionBlockedError        HTTP 451: this address does not serve the task's region
    ├─ ConnectRefusedError       the exchange answered, but not with a stream
    ├─ FeedLabelError            the server says that it is another feed than FEED
    ├─ ConnectFailedError        no connection within CONNECT_BUDGET_SECONDS
    ├─ ConnectionLostError       the connection ended before the run did
    └─ StreamSilentError         no trade for SILENCE_ERROR_SECONDS
"""

from toolkit.runtime import Result


class StreamError(Exception):
    """What happened to which connection; ``hint`` is the next action.

    ``result`` holds the metrics of what was received before, for the manifest.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.result = Result()


class RegionBlockedError(StreamError):
    """The exchange refuses the region that the request comes from (HTTP 451)."""


class ConnectRefusedError(StreamError):
    """The upgrade was answered with a status for which trying again is of no use."""


class FeedLabelError(StreamError):
    """The server's own word about itself contradicts FEED: the record would be labelled falsely."""


class ConnectFailedError(StreamError):
    """The connection could not be opened in the time allowed for it."""


class ConnectionLostError(StreamError):
    """The connection ended while the run still wanted trades. It is not resumed."""


class StreamSilentError(StreamError):
    """The connection stands but brings no trades."""
