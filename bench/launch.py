"""Starts a worker in a fresh environment, hands it a request, and brings back its answer or one clear line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from bench import device as device_circumstances
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
_PATHS = ("PATH", "HOME")
_PASSED = (*_PATHS, "LANG", "TZ")
_PASSED_PREFIXES = ("LC_",)
# A compilation kept from another launch would make a first step look quick.
_KEPT_COMPILATIONS = "CACHE"
# A GPU that one library sees and another does not would be no comparison.
_NO_ACCELERATOR = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "", "ROCR_VISIBLE_DEVICES": ""}
# Keras on PyTorch takes any GPU that it sees, Apple's too, which no variable hides. ROCm answers to CUDA's name.
_KERAS_TORCH_DEVICES = {"rocm": "cuda"}
# -I: neither the working folder nor the user's own site-packages may shadow a library.
ARGUMENTS = ("-I", "-m", "bench.worker")
"""What a worker's Python is called with."""


class WorkerFailed(DlpulseError):
    """A worker crashed, timed out or answered nonsense; the message names the engine and its last words."""


def environment(
    spec: EngineSpec | None, tuning: str, folder: Path, outer: Mapping[str, str], *, device: str = "cpu"
) -> dict[str, str]:
    """Return a worker's environment: the user's performance settings, then the engine's own, then the tuning's.

    Without an engine it is that of the bounds: they alone get CC, since their compiler is the user's to choose.
    PYTHONPATH and LD_LIBRARY_PATH stay outside; Keras' own settings file too, since it may change the precision. What
    torch.compile keeps for later is new for each launch, so that every first step compiles.
    """
    passed = {name: value for name, value in outer.items() if _passes(name)}
    kept = {"KERAS_HOME": str(folder / "keras"), "TORCHINDUCTOR_CACHE_DIR": tempfile.mkdtemp(dir=folder)}
    # TensorFlow writes files there that it removes at its end, which a worker has none of.
    kept["TMPDIR"] = str(folder)
    own = {**kept, **(_NO_ACCELERATOR if device == "cpu" else {})}
    if spec is None:
        own |= {name: outer[name] for name in ("CC",) if name in outer}
    elif spec.environment.get("KERAS_BACKEND") == "torch":
        own["KERAS_TORCH_DEVICE"] = _KERAS_TORCH_DEVICES.get(device, device)
    return {**passed, **own, **(spec.environment if spec else {}), **TUNINGS[tuning]}


def _passes(name: str) -> bool:
    if name in _PASSED or name.startswith(_PASSED_PREFIXES):
        return True
    return device_circumstances.changes_results(name) and _KEPT_COMPILATIONS not in name


def telling(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables worth keeping with a result: no secrets, no paths, which name people and folders."""
    plain = {name: value for name, value in variables.items() if name in ("LANG", "TZ") or name.startswith("LC_")}
    return {**plain, **device_circumstances.telling(variables)}


class WorkerLate(WorkerFailed):
    """A worker had not answered in the time that it was given."""


class Worker:
    """One running worker process; `result` waits for it. Closing it ends the process.

    `name` stands in its errors; `argv` starts it where it is not dlpulse's own Python that runs it.
    """

    def __init__(
        self,
        name: str,
        request: Mapping[str, Any],
        folder: Path,
        variables: Mapping[str, str],
        argv: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._began = time.monotonic()
        self._errors: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed in __exit__)
        self._process = subprocess.Popen(
            argv or [sys.executable, *ARGUMENTS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=dict(variables),
            cwd=folder,
            # A group of its own: the terminal's Ctrl-C reaches dlpulse alone, which then ends the worker.
            process_group=0,
        )
        self._send(json.dumps(request))

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        # The whole group: a compiler that the worker started would go on beside the next trial.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
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
            WorkerLate: when it is not there after `timeout` seconds more; says how long it has been running.
            WorkerFailed: when it crashed or answered nonsense.
        """
        try:
            # communicate() would close stdin, the worker's sign that its parent has died.
            output = _read_all(self._process, timeout)
        except subprocess.TimeoutExpired:
            ran_s = time.monotonic() - self._began
            raise WorkerLate(f"{self.name}: no result after {ran_s:.0f} s; its worker was ended") from None
        try:
            answer: dict[str, Any] = json.loads(output)
        except ValueError:
            raise WorkerFailed(f"{self.name}: worker {_ending(self._process.returncode)}{self._tail()}") from None
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
        return f": {device_circumstances.without_paths(lines[-1].strip())[:300]}" if lines else ""


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
