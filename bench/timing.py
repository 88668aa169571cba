"""How a trial's clocks are read: blocks of equal work, single calls, and the metrics made of them. Knows no engine."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.job import Measurement

LEAST_FOR_P99 = 1000
"""Fewer single calls than this leave fewer than ten beyond the 99th percentile: it is not told then."""


@dataclass(frozen=True)
class Block:
    """One timed block: how many calls, and what the clocks and the kernel counted (seconds, minor page faults)."""

    calls: int
    wall_s: float
    cpu_s: float
    page_faults: int


def timed(work: Callable[[int], object], calls: int) -> Block:
    """Time one run of `work(calls)`, which must have all its results back when it returns."""
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    cpu, wall = time.process_time(), time.perf_counter()
    work(calls)
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return Block(calls, wall_s, cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)


def blocks(work: Callable[[int], object], *, count: int, block_s: float) -> list[Block]:
    """Warm up until two calibrations agree, then time `count` blocks of about `block_s` seconds each."""
    calls = calibrate(work, block_s)
    return [timed(work, calls) for _ in range(count)]


def calibrate(work: Callable[[int], object], block_s: float) -> int:
    """Return how many calls fill a block, from short bursts repeated (4 times at most) while calls still get faster.

    The first five calls are warm-up, slow calls (a fifth of a block each and more) excepted: one is enough of those.
    """
    pace = timed(work, 1).wall_s
    if pace < block_s / 5:
        pace = timed(work, 4).wall_s / 4
    for _ in range(4):
        burst = max(1, min(round(block_s / 4 / pace), 1_000_000))
        before, pace = pace, timed(work, burst).wall_s / burst
        if pace > 0.9 * before:
            break
    return max(1, round(block_s / pace))


def latencies(call: Callable[[], object], *, seconds: float, least: int = 50, most: int = 2000) -> list[float]:
    """Return single-call times in milliseconds: for so many seconds, within the given numbers of calls."""
    for _ in range(10):
        call()
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while len(samples) < least or (time.perf_counter() < end and len(samples) < most):
        start = time.perf_counter()
        call()
        samples.append(round((time.perf_counter() - start) * 1e3, 6))
    return samples


def latency(milliseconds: Sequence[float]) -> list[Measurement]:
    """Return p50 and p95 of single images' times, and p99 from LEAST_FOR_P99 calls on."""
    p50, p95, p99 = (float(value) for value in np.percentile(milliseconds, (50, 95, 99)))
    told = [
        Measurement("inference", "latency_p50_ms", "ms", 1, p50, list(milliseconds)),
        Measurement("inference", "latency_p95_ms", "ms", 1, p95),
        Measurement("inference", "latency_p99_ms", "ms", 1, p99),
    ]
    return told if len(milliseconds) >= LEAST_FOR_P99 else told[:2]


def throughput(phase: str, blocks: Sequence[Block], batch_size: int, *, images: int | None = None) -> list[Measurement]:
    """Return images a second by the wall clock and by CPU time, the cores seen in use, and page faults an image.

    One call is one batch, unless `images` says how many images a call is.
    """
    per_call = images or batch_size
    done = [block.calls * per_call for block in blocks]
    wall = [count / block.wall_s for count, block in zip(done, blocks, strict=True)]
    # A block shorter than a tick of the CPU clock has no CPU time to divide by.
    cpu = [count / block.cpu_s for count, block in zip(done, blocks, strict=True) if block.cpu_s]
    cores = [block.cpu_s / block.wall_s for block in blocks]
    faults = [block.page_faults / count for count, block in zip(done, blocks, strict=True)]
    samples = (
        ("images_per_s", "images/s", wall),
        ("images_per_cpu_s", "images/s", cpu),
        ("cores_used", "cores", cores),
        ("page_faults", "faults/image", faults),
    )
    return [
        Measurement(phase, metric, unit, batch_size, statistics.median(values), values)
        for metric, unit, values in samples
        if values
    ]


def once(phase: str, metric: str, unit: str, value: float, batch_size: int) -> Measurement:
    """Return a metric that a process tells only once."""
    return Measurement(phase, metric, unit, batch_size, value, [value])


def peak_rss_mib() -> float:
    """Return the process's largest resident memory so far.

    On Linux from /proc, since ru_maxrss begins at the parent's peak. That counts in KiB, macOS in bytes.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
