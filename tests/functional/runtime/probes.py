"""Workloads that end in every way a workload can end; the tests name them as entry points."""

import asyncio
import hashlib
import math
import re
import sys
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np

from toolkit.runtime.contract import Gate, Interrupted, Json, Result, Run

Settings = Mapping[str, Json]


def two_artifacts(settings: Settings, run: Run) -> Result:
    """Save bytes and a file, and log two events of its own."""
    run.event("probe.began", colour=settings["colour"])
    run.save("table.csv", b"a,b\n1,2\n", media_type="text/csv", rows=1)
    big = run.scratch / "big.bin"
    big.write_bytes(bytes(range(256)) * 4096)
    run.save("big.bin", big, media_type="application/octet-stream")
    run.event("probe.ended")
    return Result(metrics={"skill": 0.5}, gates=(Gate("skill", 0.5, ">=", 0.1),))


def raises(settings: Settings, run: Run) -> Result:
    """Save one artifact, then fail with the secret in the message."""
    run.save("table.csv", b"a,b\n", media_type="text/csv", rows=0)
    raise RuntimeError(f"no answer from https://example.org/?key={settings['api_key']}")


def calls_sys_exit(settings: Settings, run: Run) -> Result:
    """End as a library does that takes itself for the program."""
    sys.exit(0)


def returns_nothing(settings: Settings, run: Run) -> None:
    """Forget to return a result."""


def tells_a_thread(settings: Settings, run: Run) -> Result:
    """Give a metric that JSON cannot hold."""
    metrics: dict[str, object] = {"thread": threading.current_thread()}
    return Result(metrics=metrics)  # type: ignore[arg-type]


def misses_its_gate(settings: Settings, run: Run) -> Result:
    """Work, but not well enough."""
    return Result(gates=(Gate("skill", 0.05, ">=", 0.1), Gate("bias", 0.01, "<=", 0.1)))


def has_no_number(settings: Settings, run: Run) -> Result:
    """Compute NaN, infinity and numpy scalars."""
    metrics: dict[str, object] = {
        "nan": math.nan,
        "deep": {"inf": [math.inf, np.float32(0.5)]},
        "count": np.int64(3),
    }
    return Result(metrics=metrics, gates=(Gate("skill", math.nan, ">=", 0.1),))  # type: ignore[arg-type]


def obeys(settings: Settings, run: Run) -> Result:
    """Wait to be asked to stop, save what there is, and say so."""
    run.event("probe.waiting")
    if not run.wait(600):
        raise AssertionError("nobody asked to stop")
    run.save("partial.csv", b"a\n", media_type="text/csv", rows=0)
    raise Interrupted(Result(metrics={"seen": 7}))


def ends_anyway(settings: Settings, run: Run) -> Result:
    """Be asked to stop, but finish: the work is done."""
    run.event("probe.waiting")
    run.wait(600)
    return Result()


def works_until_told(settings: Settings, run: Run) -> Result:
    """Work longer than any test waits, and finish when asked to stop."""
    run.event("probe.waiting")
    run.wait(580)
    return Result()


def talks_for_ever(settings: Settings, run: Run) -> Result:
    """Log and save from two threads without ever looking at the stop flag."""

    def chatter() -> None:
        while True:
            run.event("probe.talked")

    run.event("probe.waiting")
    threading.Thread(target=chatter, daemon=True).start()
    while True:
        run.save("again.csv", b"a\n", media_type="text/csv")


def sleeps_in_c(settings: Settings, run: Run) -> Result:
    """Wait on a lock that nobody will release."""
    run.save("partial.csv", b"a\n", media_type="text/csv", rows=0)
    run.event("probe.waiting")
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
    return Result()


def hashes(settings: Settings, run: Run) -> Result:
    """Derive a key for hours, in C, without the interpreter."""
    run.event("probe.waiting")
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 2**31 - 1)
    return Result()


def convolves(settings: Settings, run: Run) -> Result:
    """Convolve two long arrays the slow way, inside numpy."""
    ones = np.ones(2_000_000)
    run.event("probe.waiting")
    np.convolve(ones, ones)
    return Result()


def backtracks(settings: Settings, run: Run) -> Result:
    """Match a pattern that takes longer than the universe is old, holding the interpreter."""
    run.save("partial.csv", b"a\n", media_type="text/csv", rows=0)
    run.event("probe.waiting")
    re.fullmatch(r"(a|a)*b", "a" * 100)
    return Result()


def holds_the_interpreter(settings: Settings, run: Run) -> Result:
    """Stay in C code that neither lets go of the interpreter nor looks for signals."""
    run.event("probe.waiting")
    sum(range(2**62))
    return Result()


def lists_scratch(settings: Settings, run: Run) -> Result:
    """Tell where scratch is, after writing there."""
    (run.scratch / "left.bin").write_bytes(b"x")
    return Result(metrics={"scratch": str(run.scratch), "exists": Path(run.scratch).is_dir()})


def streams_until_stopped(settings: Settings, run: Run) -> Result:
    """Read on until asked to stop, then save, as a stream does."""
    run.wait(600)
    run.save("trades.csv", b"a\n1\n", media_type="text/csv", rows=1)
    raise Interrupted


class WordlessError(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def _counts_in_decimals(run: Run) -> Result:
    run.save("a.csv", b"a\n", media_type="text/csv", rows=Decimal(3))  # type: ignore[arg-type]
    return Result()


def _gives_numbers_as_gates(_run: Run) -> Result:
    return Result(gates=(0.5,))  # type: ignore[arg-type]


def _changes_its_metrics(_run: Run) -> Result:
    result = Result(metrics={"skill": 0.5})
    result.metrics["thread"] = threading.current_thread()  # type: ignore[index]
    return result


def _escapes_its_folder(run: Run) -> Result:
    run.save("../../other/a.csv", b"a\n", media_type="text/csv")
    return Result()


def _takes_the_claims_place(run: Run) -> Result:
    run.save("claim.json", b"{}", media_type="application/json")
    return Result()


def _brings_no_result(_run: Run) -> Result:
    raise Interrupted("early")  # type: ignore[arg-type]


def _raiser(error: BaseException) -> Callable[[Run], Result]:
    def run(_run: Run) -> Result:
        raise error

    return run


ODD: Mapping[str, Callable[[Run], Result]] = {
    "decimals": _counts_in_decimals,
    "no-gates": _gives_numbers_as_gates,
    "late-metrics": _changes_its_metrics,
    "escapes": _escapes_its_folder,
    "claim": _takes_the_claims_place,
    "no-result": _brings_no_result,
    "wordless": _raiser(WordlessError()),
    "cancelled": _raiser(asyncio.CancelledError()),
    "keyboard": _raiser(KeyboardInterrupt()),
    "generator": _raiser(GeneratorExit()),
    "base": _raiser(BaseException("base")),
    "surrogate": _raiser(ValueError("\ud800")),
}


def is_odd(settings: Settings, run: Run) -> Result:
    """Misbehave in the way that COLOUR's test chose."""
    return ODD[odd_way[-1]](run)


odd_way: list[str] = []
