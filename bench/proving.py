"""Starts the workers that prove, several side by side since nothing is timed, and brings back what each answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import device
from bench.engines import ENGINES
from bench.launch import Worker, WorkerFailed, environment, outer_environment
from bench.protocol import Proving

_AT_ONCE = 4
"""Workers that prove side by side, at most: each holds up to a gigabyte."""
# A worker that has answered is heard even when another, waited for before it, has used up the time.
_HEARD_S = 1.0
Argv = Mapping[str, Sequence[str]]
"""What starts a worker in each stack of library versions; dlpulse's own ("") is not among them."""
Patience = Callable[[Sequence[Proving]], float]
"""Takes the proofs about to be made side by side; returns after how many seconds those that are not there hang."""


def prove(
    provings: Sequence[Proving],
    data: Path,
    *,
    device_kind: str,
    seed: int,
    patience: Patience,
    argv: Argv,
    root: Path = Path("/"),
) -> Iterator[tuple[Proving, dict[str, Any]]]:
    """Yield each proof; a worker that fails gives an `error`. `root` is where the system is asked for its cores.

    `took_s` are the seconds since the proof before, so that their sum is what all of them took by the clock.
    """
    cores = device.worthwhile_threads(root)
    at_once = min(max(cores, 2), _AT_ONCE)
    for start in range(0, len(provings), at_once):
        together = provings[start : start + at_once]
        before = time.monotonic()
        ends = before + patience(together)
        with ExitStack() as stack:
            workers = []
            for one in together:
                about = {"engine": one.engine, "mode": one.mode, "track": one.track, "device": device_kind}
                request = {"kind": "parity", **about, "threads": max(1, cores // at_once), "seed": seed}
                worker = _worker(one, {**request, "data": str(data)}, data.parent, argv)
                about |= {"tuning": one.tuning, "stack": one.stack}
                workers.append((one, about, stack.enter_context(worker)))
            for one, about, worker in workers:
                try:
                    answer = worker.result(max(_HEARD_S, ends - time.monotonic()))
                except WorkerFailed as error:
                    answer = {"error": str(error)}
                now = time.monotonic()
                yield one, {**answer, **about, "took_s": round(now - before, 3)}
                before = now


def _worker(one: Proving, request: Mapping[str, Any], folder: Path, argv: Argv) -> Worker:
    spec = ENGINES[one.engine]
    variables = environment(spec, one.tuning, folder, outer_environment(), device=str(request["device"]))
    # The numpy reference's own threads would spin against the engines'.
    variables["OPENBLAS_NUM_THREADS"] = "1"
    return Worker(spec.name, request, folder, variables, argv.get(one.stack, ()))
