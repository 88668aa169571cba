"""The child process: one JSON job on stdin, one JSON result on the real stdout, then gone. Dies when stdin closes."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from bench import data, parity, trial
from bench.engines import open_engine


def main() -> None:
    """Do the job on stdin's first line; the parent keeps stdin open for as long as it lives."""
    # Frameworks print on fd 1: it is turned to stderr, and the result leaves by a descriptor of its own.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    result = _do(job)
    json.dump(result, results)
    results.flush()
    # No interpreter shutdown: the frameworks' own can hang or crash after the work is done.
    os._exit(0)


def _do(job: dict[str, Any]) -> dict[str, Any]:
    dataset = data.read(Path(job["data"]))
    if job["kind"] == "parity":
        engine = open_engine(job["engine"])
        engine.set_threads(job["threads"])
        return {**parity.prove(engine, dataset, job["seed"]).as_json(), "in_force": engine.describe()}
    return trial.measure(trial.Job(**job["job"]), dataset)


def _die_with_parent() -> None:
    sys.stdin.read()
    os._exit(3)


if __name__ == "__main__":
    main()
