"""Multiplies matrices in one library and prints its FLOP/s as JSON. Run as `multiply.py LIBRARY THREADS SAMPLES`.

A script of its own, since BLAS reads its number of threads once, at import. Needs nothing of dlpulse.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np

SIZE = 1536
"""Large enough for every BLAS to reach its pace (27 MiB in all), small enough for a tenth of a second."""


def _numpy(_: int) -> tuple[str, Callable[[], object]]:
    left, right = _matrices()
    out = np.empty_like(left)
    config = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"] if config else {}
    name = f"{blas.get('name', 'unknown BLAS')} {blas.get('version', '')}".strip()
    return f"numpy {np.__version__} ({name})", lambda: np.matmul(left, right, out=out)


def _torch(threads: int) -> tuple[str, Callable[[], object]]:
    import torch

    torch.set_num_threads(threads)
    left, right = (torch.from_numpy(matrix) for matrix in _matrices())
    out = torch.empty_like(left)
    return f"torch {torch.__version__}", lambda: torch.mm(left, right, out=out)


def _matrices() -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    generator = np.random.default_rng(0)
    return [generator.random((SIZE, SIZE), dtype=np.float32) for _ in range(2)]


def _main(library: str, threads: int, count: int) -> None:
    name, multiply = {"numpy": _numpy, "torch": _torch}[library](threads)
    multiply()
    samples = []
    for _ in range(count):
        started = time.perf_counter()
        multiply()
        samples.append(2 * SIZE**3 / (time.perf_counter() - started))
    print(json.dumps({"by": name, "samples": samples}))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
