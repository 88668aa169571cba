"""Benchmark runs with known figures, written to a raw archive as the runner writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from warehouse.raw import Archive
from warehouse.settings import Settings

FAST = [200.0, 202.0, 204.0, 206.0, 208.0, 210.0, 212.0, 214.0]
SLOW = [value / 2 for value in FAST]
KERAS = "keras-tensorflow"
FRAMEWORKS = {KERAS: "keras", "keras-torch": "keras", "keras-jax": "keras"}
MODES = {"pytorch": "eager", "jax": "compiled", "keras-torch": "eager", "keras-jax": "compiled"}
VERSIONS = {
    KERAS: {"keras": "3.15.1", "tensorflow": "2.21.0"},
    "pytorch": {"torch": "2.13.0+cpu"},
    "tensorflow": {"tensorflow": "2.21.0"},
}
Body = dict[str, Any]


def store(settings: Settings, bodies: Iterable[Body], *, hour: int = 12) -> Archive:
    """Write one run of that hour; returns the archive."""
    archive = Archive(settings.raw)
    with archive.start("bench", lambda: datetime(2026, 11, 23, hour, tzinfo=UTC)) as run:
        for body in bodies:
            subject = body["kind"] if "engine" not in body else f"{body['kind']}:{body['engine']}"
            run.write(subject, json.dumps(body).encode())
    return archive


def device(device_id: str = "d1", **told: Any) -> Body:
    """A machine."""
    hardware = {"cpu": "AMD EPYC", "cpu_series": "25-1-1", "cores": 2, "memory_gib": 23.5, "gpu": None}
    software = {"os": "Debian GNU/Linux 12", "kernel": "6.1", "libc": "glibc 2.36", "python": "3.11.7"}
    more = {"cpu_flags": ["avx", "avx2", "fma", "sse2"], "versions": {"numpy": "2.4.6"}, "git_commit": "a" * 40}
    return {"kind": "device", "device_id": device_id, **hardware, **software, **more, **told}


def proof(engine: str, *, track: str = "matched", proved: bool = True, **told: Any) -> Body:
    """A proof of one engine."""
    about = {"engine": engine, "mode": MODES.get(engine, "graph"), "track": track, "device_id": "d1"}
    faults = [] if proved else ["logits differ by 0.85, at most 1e-12 allowed"]
    return {"kind": "parity", **about, "proved": proved, "figures": {"logits": 2e-15}, "faults": faults, **told}


def measurement(metric: str, value: float, *, phase: str = "training", unit: str = "", batch: int = 128) -> Body:
    """One metric of a trial."""
    units = {"images_per_s": "images/s", "rss_mib": "MiB", "cores_used": "cores", "accuracy": "share"}
    unit = unit or units.get(metric, "ms" if metric.endswith("_ms") else "s")
    return {"phase": phase, "metric": metric, "unit": unit, "batch_size": batch, "value": value, "samples": [value]}


def trial(engine: str, number: int, measurements: Sequence[Body], **told: Any) -> Body:
    """One throughput trial of the matched track; `told` overrides."""
    what = {"framework_id": FRAMEWORKS.get(engine, engine), "mode": MODES.get(engine, "graph"), "track": "matched"}
    how = {"tuning": "stock", "dataset": "digits", "threads": 2, "precision": "float32", "seed": 0, "device": "cpu"}
    names = {"trial_kind": "throughput", "batch_sizes": [128], "control": False, "stack": "", "launch": number}
    in_force = {"versions": VERSIONS.get(engine, {engine: "1.0"}), "threads": 2}
    around = {"load_average": [0.3, 0.2, 0.1], "environment": {"OMP_WAIT_POLICY": "PASSIVE"}, "data_sha256": "c" * 64}
    body = {
        "kind": "trial",
        "engine": engine,
        "device_id": "d1",
        **what,
        **how,
        **names,
        **around,
        "in_force": in_force,
    }
    optimiser = {"optimiser": {"name": "sgd", "learning_rate": 0.125}, "started_at": "2026-11-23T12:00:00"}
    return {**body, **optimiser, "learned": True, "measurements": list(measurements), "trial_id": f"t{number}", **told}


def trials(engine: str, speeds: Sequence[float], **told: Any) -> list[Body]:
    """One trial for each training speed (images/s at batch 128)."""
    names = f"{engine}-{'-'.join(map(str, told.values()))}"
    return [
        trial(engine, number, [measurement("images_per_s", speed)], **{"trial_id": f"{names}-{number}", **told})
        for number, speed in enumerate(speeds, 1)
    ]


def learning(engine: str, seed: int, accuracies: Sequence[float], **told: Any) -> Body:
    """One seed's learning, ten seconds an epoch."""
    epochs = [
        {"epoch": number, "train_s": 10.0 * number, "loss": 1 - accuracy, "accuracy": accuracy}
        for number, accuracy in enumerate(accuracies, 1)
    ]
    names = {"trial_kind": "learning", "trial_id": f"{engine}-l{seed}", "seed": seed, "epochs": epochs}
    return trial(engine, seed, [measurement("accuracy", accuracies[-1])], **{**names, **told})


def bounds(peak: float, **told: Any) -> Body:
    """The machine's bounds: `peak` FLOP/s in matrix multiply, 20 GB/s, and 12,700 images/s in plain C."""
    cells = (
        ("matmul", "machine", "flops_per_s", "FLOP/s", None, peak),
        ("memory", "machine", "bytes_per_s", "bytes/s", None, 20e9),
        ("pure_c", "training", "images_per_s", "images/s", 128, 12_700.0),
    )
    names = ("bound", "phase", "metric", "unit", "batch_size", "value")
    rest = {"precision": "float32", "how": "measured"}
    rows = [{**dict(zip(names, cell, strict=True)), "samples": [cell[-1]], **rest} for cell in cells]
    return {"kind": "bounds", "threads": 2, "device_id": "d1", "bounds": rows, "circumstances": {}, **told}
