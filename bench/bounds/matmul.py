"""The measured peak of a library's float32 matrix multiply: numpy's BLAS, and torch's where it is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

from bench.bounds.multiply import SIZE
from bench.bounds.samples import SAMPLES, Bound, ask
from warehouse.errors import DlpulseError

_CHILD = Path(__file__).with_name("multiply.py")
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_HELD_BACK = ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR", "ATEN_CPU_CAPABILITY")
"""Variables that keep a library from instructions that the machine has: they belong to a trial, not to a peak."""
LIBRARIES = ("numpy", "torch")


def measure(threads: int) -> list[Bound]:
    """Return the fastest library's FLOP/s (2 n^3 a product), each library in a process of its own.

    Raises:
        DlpulseError: when no library could be measured; says why.
    """
    free = {name: value for name, value in os.environ.items() if name not in _HELD_BACK}
    variables = {**free, **dict.fromkeys(_THREADS, str(threads))}
    found, reasons = [], []
    for library in LIBRARIES:
        if importlib.util.find_spec(library) is None:
            continue
        try:
            output = ask((sys.executable, "-I", _CHILD, library, threads, SAMPLES), variables)
        except DlpulseError as error:
            reasons.append(f"matmul by {library}: {error}")
            continue
        told = json.loads(output.splitlines()[-1])
        how = f"median; {SIZE} x {SIZE} float32 product by {told['by']}, the fastest of those installed"
        found.append(Bound("matmul", "machine", "flops_per_s", "FLOP/s", None, tuple(told["samples"]), how))
    if not found:
        raise DlpulseError("; ".join(reasons))
    return [max(found, key=lambda bound: bound.value)]
