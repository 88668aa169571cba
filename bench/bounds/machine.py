"""Peaks of the processor and its memory, by machine.c: float32 multiply-adds from registers, and bytes a second."""

from __future__ import annotations

import os
from pathlib import Path

from bench.bounds.build import Toolchain, build
from bench.bounds.samples import SAMPLES, Bound, ask, rates

SOURCES = ("machine.c", "common.h")
_FMA_SECONDS = 0.1
_LEAST_MIB = 64
_CACHE_MIB = 32
"""Taken for the largest cache where the system does not tell it."""


def fma(toolchain: Toolchain, threads: int, folder: Path) -> list[Bound]:
    """Return the peak of multiply-adds that never leave the registers, in float32 FLOP/s (two to each)."""
    output = ask((build(toolchain, SOURCES, folder), "fma", threads, _FMA_SECONDS, SAMPLES))
    how = "median; multiply-adds from registers alone, as wide as the compiler's vectors, counted two operations each"
    return [Bound("fma", "machine", "flops_per_s", "FLOP/s", None, rates(output), how)]


def memory(toolchain: Toolchain, threads: int, folder: Path) -> list[Bound]:
    """Return the memory's bytes a second: STREAM's triad or copy, whichever is faster in the median."""
    program, mebibytes = build(toolchain, SOURCES, folder), array_mib()
    kinds = [(kind, rates(ask((program, kind, threads, mebibytes, SAMPLES)))) for kind in ("triad", "copy")]
    how = f"over arrays of {mebibytes} MiB, bytes as the program names them"
    found = [
        Bound("memory", "machine", "bytes_per_s", "B/s", None, got, f"median; {kind} {how}") for kind, got in kinds
    ]
    return [max(found, key=lambda bound: bound.value)]


def array_mib() -> int:
    """Return the size of one array: four times the largest cache, but all three within half of the memory."""
    cache = _sysconf("SC_LEVEL3_CACHE_SIZE") or _sysconf("SC_LEVEL2_CACHE_SIZE") or _CACHE_MIB * 2**20
    memory = (_sysconf("SC_PAGE_SIZE") or 0) * (_sysconf("SC_PHYS_PAGES") or 0)
    largest = memory // 6 if memory else 4 * cache
    return max(1, min(max(_LEAST_MIB, 4 * cache // 2**20), largest // 2**20))


def _sysconf(name: str) -> int | None:
    """Return a figure of the system above zero, or None where it does not tell (macOS knows no cache sizes here)."""
    try:
        value = os.sysconf(name)
    except (ValueError, OSError):
        return None
    return value if value > 0 else None
