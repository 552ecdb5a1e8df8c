"""Processes that take turns of work, joined to the parent by pipes and nothing else.

Pipes need neither semaphores nor shared memory nor files, so this works wherever a process can be
started, a read-only root without /dev/shm included. Signals are the parent's to answer: a worker
ignores them and ends when its parent kills it, or dies, which closes the pipe.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, TypeVar

from attrs import frozen

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

_POLL_SECONDS = 0.2


class Turn(Protocol[_T_co]):
    """A piece of work of about a second at most; it and its outcome can be pickled."""

    def take(self) -> _T_co:
        """Do the work."""


Then: TypeAlias = "Callable[[_T], Turn[_T] | None]"


class WorkerError(RuntimeError):
    """A worker ended on its own; the message has its exit code."""


class Workers:
    """So many processes for turns of work; a single one is the calling process itself."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        # spawn, not fork: a fork takes the parent's threads' locks along, but not the threads.
        context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        for _ in range(processes if processes > 1 else 0):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._workers.append(_Worker(ours, process))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the processes, whatever they are doing: a turn is worth less than a second."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()

    def each(
        self,
        turns: Iterable[Turn[_T]],
        *,
        then: "Then[_T]" = lambda _: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Iterator[_T]:
        """Take every turn, and after each the one that ``then`` makes of its outcome, if any.

        Yields the outcomes as they come. Ends early, without the turns that are being taken, when
        ``stopping``. Raises WorkerError when a process ends on its own.
        """
        if self._workers:
            return self._deal(deque(turns), then, stopping)
        return _take_here(turns, then, stopping)

    def _deal(
        self, waiting: "deque[Turn[_T]]", then: "Then[_T]", stopping: Callable[[], bool]
    ) -> Iterator[_T]:
        idle, busy = [*self._workers], list[_Worker]()
        while (waiting or busy) and not stopping():
            while waiting and idle:
                busy.append(idle.pop())
                busy[-1].send(waiting.popleft())
            ready = wait([worker.pipe for worker in busy], _POLL_SECONDS)
            for worker in [worker for worker in busy if worker.pipe in ready]:
                outcome: _T = worker.receive()
                following = then(outcome)
                if following is None:
                    busy.remove(worker)
                    idle.append(worker)
                else:
                    worker.send(following)
                yield outcome


@frozen(eq=False)
class _Worker:
    pipe: "Connection[Any, Any]"
    process: BaseProcess

    def send(self, turn: Turn[object]) -> None:
        try:
            self.pipe.send(turn)
        except BrokenPipeError as error:
            raise self._ended() from error

    def receive(self) -> Any:
        try:
            return self.pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise self._ended() from error

    def _ended(self) -> WorkerError:
        self.process.join()
        code = self.process.exitcode
        hint = ": out of memory?" if code == -signal.SIGKILL else "; its traceback stands above"
        return WorkerError(f"worker process {self.process.pid} ended with exit code {code}{hint}")


def _take_here(
    turns: Iterable[Turn[_T]], then: "Then[_T]", stopping: Callable[[], bool]
) -> Iterator[_T]:
    for first in turns:
        turn: Turn[_T] | None = first
        while turn is not None and not stopping():
            outcome = turn.take()
            turn = then(outcome)
            yield outcome


def _serve(pipe: "Connection[Any, Any]") -> None:
    """Take turns until the parent closes the pipe, which its death does too."""
    for request in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request, signal.SIG_IGN)
    try:
        while True:
            pipe.send(pipe.recv().take())
    except (EOFError, ConnectionError):
        return
