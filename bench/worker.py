"""The child process: one JSON request on stdin, one JSON answer on the real stdout, then gone. Dies when stdin closes.

Imports numpy, bench and the one library it is asked about, nothing else: it also runs where dlpulse is not installed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def main() -> None:
    """Do what stdin's first line asks; the parent keeps stdin open for as long as it lives."""
    # Frameworks print on fd 1: it is turned to stderr, and the answer leaves by a descriptor of its own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    answer = _ANSWERS[request["kind"]](request)
    json.dump(answer, answers)
    answers.flush()
    # No interpreter shutdown: the frameworks' own can hang or crash after the work is done.
    os._exit(0)


def bind(threads: int) -> list[int] | None:
    """Let this process run on `threads` processors only and return which; None where the system has no such call.

    XLA and JAX ignore every thread setting, so every engine alike is bound, before its library counts the processors.
    Processors of different cores come first, since two hardware threads of one core are not two cores.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    usable = sorted(os.sched_getaffinity(0))
    if threads < len(usable):
        seen: dict[str, int] = {}
        ranks = {}
        for cpu in usable:
            core = _siblings(cpu)
            ranks[cpu] = seen[core] = seen.get(core, 0) + 1
        usable = sorted(sorted(usable, key=lambda cpu: (ranks[cpu], cpu))[:threads])
        os.sched_setaffinity(0, usable)
    return usable


def _siblings(cpu: int) -> str:
    try:
        return Path(_TOPOLOGY.format(cpu)).read_text("ascii").strip()
    except OSError:
        return str(cpu)


def _parity(request: dict[str, Any]) -> dict[str, Any]:
    from bench import data, parity

    return parity.answer(request, data.read(Path(request["data"])))


def _trial(request: dict[str, Any]) -> dict[str, Any]:
    from bench import data
    from bench.job import Job

    job = Job(**request["job"])
    affinity = bind(job.threads)
    answer = _measure(job)(job, data.read(Path(request["data"])))
    answer["in_force"]["affinity"] = affinity
    return answer


def _measure(job: Any) -> Callable[[Any, Any], dict[str, Any]]:
    """Return what does a job: imported when asked for, since each needs more than the others do."""
    if job.kind == "learning":
        from bench.learning import learn

        return learn
    if job.track == "default":
        from bench import default_track

        return default_track.measure
    from bench import trial

    return trial.measure


def _bounds(request: dict[str, Any]) -> dict[str, Any]:
    from bench.bounds import measure

    affinity = bind(request["threads"])
    answer = measure(threads=request["threads"], folder=Path(request["folder"]))
    return {**answer, "affinity": affinity}


def _die_with_parent() -> None:
    sys.stdin.read()
    os._exit(3)


_ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "parity": _parity,
    "trial": _trial,
    "bounds": _bounds,
}

if __name__ == "__main__":
    main()
