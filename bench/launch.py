"""Starts a worker in a fresh environment, hands it a job, and brings back its result or one clear line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from bench.engines import EngineSpec
from warehouse.errors import DlpulseError

TUNINGS: dict[str, dict[str, str]] = {
    "stock": {},
    # TensorFlow leaves oneDNN off on CPUs without VNNI; stock glibc hands activations back to the kernel at each step.
    "tuned": {
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": "8589934592",
        "MALLOC_TOP_PAD_": "67108864",
    },
}
"""The environment of each tuning: as it comes, and the best known setting, the same for every engine."""
_PATHS = ("PATH", "HOME", "TMPDIR")
_PASSED = (*_PATHS, "LANG", "TZ", "LD_PRELOAD")
_PASSED_PREFIXES = ("LC_", "OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "TF_", "XLA_", "TORCH_", "MALLOC_", "GLIBC_")
# tensorflow-cpu beside a CUDA build of torch would be no comparison: until both have a GPU, neither uses it.
_CPU_ONLY = {"CUDA_VISIBLE_DEVICES": ""}
# -I: neither the working folder nor the user's own site-packages may shadow a library.
ARGUMENTS = ("-I", "-m", "bench.worker")
"""What a worker's Python is called with."""


class WorkerFailed(DlpulseError):
    """A worker crashed, timed out or answered nonsense; the message names the engine and its last words."""


def environment(spec: EngineSpec, tuning: str, folder: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """Return a worker's environment: the user's performance settings, then the engine's own, then the tuning's.

    PYTHONPATH and LD_LIBRARY_PATH stay outside; Keras' own settings file too, since it may change the precision.
    """
    passed = {name: value for name, value in outer.items() if name in _PASSED or name.startswith(_PASSED_PREFIXES)}
    return {**passed, "KERAS_HOME": str(folder / "keras"), **_CPU_ONLY, **spec.environment, **TUNINGS[tuning]}


def telling(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables worth keeping with a result: not the paths, which name people and folders."""
    return {name: value for name, value in variables.items() if name not in (*_PATHS, "KERAS_HOME")}


class Worker:
    """One running worker process; `result` waits for it. Closing it ends the process."""

    def __init__(self, spec: EngineSpec, job: Mapping[str, Any], folder: Path, variables: Mapping[str, str]) -> None:
        self.spec = spec
        self._errors: IO[bytes] = (folder / f"{spec.name}.stderr").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, *ARGUMENTS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=dict(variables),
            cwd=folder,
        )
        self._send(json.dumps(job))

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream:
                stream.close()

    @property
    def pid(self) -> int:
        """The process id, for whoever watches."""
        return self._process.pid

    def result(self, timeout: float) -> dict[str, Any]:
        """Return the worker's JSON.

        Raises:
            WorkerFailed: when it crashed, took longer than `timeout` seconds, or answered nonsense.
        """
        try:
            # communicate() would close stdin, the worker's sign that its parent has died.
            output = _read_all(self._process, timeout)
        except subprocess.TimeoutExpired:
            raise WorkerFailed(f"{self.spec.name}: no result after {timeout:.0f} s; its worker was ended") from None
        try:
            answer: dict[str, Any] = json.loads(output)
        except ValueError:
            raise WorkerFailed(f"{self.spec.name}: worker {_ending(self._process.returncode)}{self._tail()}") from None
        return answer

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died before it listened: `result` says how

    def _tail(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f": {lines[-1].strip()[:300]}" if lines else ""


def _read_all(process: subprocess.Popen[bytes], timeout: float) -> bytes:
    """Read stdout to its end while stdin stays open."""
    stdin, process.stdin = process.stdin, None
    try:
        output, _ = process.communicate(timeout=timeout)
    finally:
        process.stdin = stdin
    return output


def _ending(code: int | None) -> str:
    return f"was ended by signal {-code}" if code is not None and code < 0 else f"failed with exit code {code}"


def outer_environment() -> Mapping[str, str]:
    """Return the environment dlpulse itself runs in; read when asked, not at import."""
    return os.environ
