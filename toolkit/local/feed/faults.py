"""What goes wrong on one connection, counted in the trades that were due on it.

Pure: a `FaultyConnection` turns due payloads into the actions that the server performs.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto

from attrs import define, field, frozen


class Act(Enum):
    """How one message goes out, or how the connection ends."""

    SEND = auto()
    FRAGMENT = auto()  # as a fragmented message
    TRICKLE = auto()  # as one frame, a few bytes at a time
    SHUTDOWN = auto()  # announce `serverShutdown`, then close
    DROP = auto()  # cut the TCP connection without a close frame


@frozen
class Faults:
    """The misbehaviour of one connection; the default is none.

    ``gaps={100: 5}`` leaves out 5 trades after the 100th, ``repeats={100: 2}`` sends the 100th two
    more times, ``swaps={100}`` lets the 101st overtake the 100th. ``fragment_every=7`` fragments
    each 7th message, ``trickle_every=7`` sends it in small pieces. ``drop_after`` and
    ``shutdown_after`` end the connection after that many trades.
    """

    gaps: Mapping[int, int] = field(factory=dict)
    repeats: Mapping[int, int] = field(factory=dict)
    swaps: frozenset[int] = field(default=frozenset(), converter=frozenset)
    fragment_every: int = 0
    trickle_every: int = 0
    drop_after: int | None = None
    shutdown_after: int | None = None
    shutdown_grace: float = 0.2


@define
class FaultyConnection:
    """The state of one connection: how many trades were due, and what it leaves out."""

    faults: Faults
    due: int = 0
    left_out: int = 0
    _held: str | None = None

    def actions(self, payload: str) -> Iterator[tuple[Act, str]]:
        """The actions for the next trade that is due."""
        self.due += 1
        if self.left_out:
            self.left_out -= 1
        elif self.due in self.faults.swaps:
            self._held = payload
        else:
            for _ in range(1 + self.faults.repeats.get(self.due, 0)):
                yield self._manner(), payload
            if self._held is not None:
                yield Act.SEND, self._held
                self._held = None
        self.left_out += self.faults.gaps.get(self.due, 0)
        if self.due == self.faults.drop_after:
            yield Act.DROP, ""
        if self.due == self.faults.shutdown_after:
            yield Act.SHUTDOWN, ""

    def _manner(self) -> Act:
        if self.faults.fragment_every and self.due % self.faults.fragment_every == 0:
            return Act.FRAGMENT
        if self.faults.trickle_every and self.due % self.faults.trickle_every == 0:
            return Act.TRICKLE
        return Act.SEND
