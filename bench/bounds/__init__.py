"""What this machine can do at most: the reference CNN in plain C, matrix multiply, multiply-adds, memory. The scale."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.bounds import machine, matmul, pure_c
from bench.bounds.build import Toolchain, find_toolchain
from bench.bounds.samples import Bound
from warehouse.errors import DlpulseError


def measure(*, threads: int, folder: Path) -> dict[str, Any]:
    """Return the bounds at `threads` threads, each with all its samples; programs are compiled into `folder` once.

    A part that cannot be measured (no compiler, wrong result, no library) is left out, and `circumstances["notes"]`
    says why in one line; nothing is raised for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    load_before = list(os.getloadavg())
    found = _try(lambda: matmul.measure(threads), notes)
    try:
        toolchain = find_toolchain(os.environ)
    except DlpulseError as error:
        notes.append(f"{error}: no pure_c, fma and memory")
        return _answer(threads, found, notes, None, load_before)
    for part in (machine.fma, machine.memory, pure_c.measure):
        found += _try(lambda part=part: part(toolchain, threads, folder), notes)  # type: ignore[misc]
    return _answer(threads, found, notes, toolchain, load_before)


def _try(part: Callable[[], list[Bound]], notes: list[str]) -> list[Bound]:
    try:
        return part()
    except DlpulseError as error:
        notes.append(str(error))
        return []


def _answer(
    threads: int, found: list[Bound], notes: list[str], toolchain: Toolchain | None, load_before: list[float]
) -> dict[str, Any]:
    circumstances = {
        "compiler": toolchain.version if toolchain else None,
        "flags": " ".join(toolchain.flags) if toolchain else None,
        "notes": notes,
        "load_average": load_before,
        "load_average_after": list(os.getloadavg()),
    }
    return {"threads": threads, "bounds": [bound.as_json() for bound in found], "circumstances": circumstances}
