"""What an engine's library needs of the machine: the device asked for, a compiler. Knows no library itself."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from warehouse.errors import DlpulseError

_NAMES = {"cpu": "CPU", "cuda": "CUDA", "rocm": "ROCm", "mps": "Apple MPS"}


def seen(*, gpu: bool, rocm: bool, mps: bool = False) -> list[str]:
    """Return the kinds of device that a library sees: it has a GPU of either maker, or Apple's."""
    kinds = ["cpu"]
    if gpu:
        kinds.append("rocm" if rocm else "cuda")
    if mps:
        kinds.append("mps")
    return kinds


def require(library: str, kind: str, kinds: Sequence[str]) -> None:
    """Let a device kind pass that is among those which the library sees.

    Raises:
        DlpulseError: for any other; names the library, what it lacks and what to do.
    """
    if kind not in kinds:
        name, others = _NAMES.get(kind, kind), " and ".join(_NAMES[other] for other in kinds)
        raise DlpulseError(
            f"{library} sees no {name} device, only {others}: install its {name} build and driver, or use --device cpu"
        )


def require_compiler(library: str) -> None:
    """Let a library pass that compiles C++ as it runs.

    Raises:
        DlpulseError: when there is no compiler; says which is needed.
    """
    compiler = "clang++" if sys.platform == "darwin" else "g++"
    if shutil.which(compiler) is None:
        raise DlpulseError(
            f"{library} compiles with {compiler}, which is not installed: add it, or leave this mode out"
        )
