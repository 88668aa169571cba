"""The circumstances of a run: what machine, what software, what load. Asks the system, measures nothing."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CPUINFO = Path("/proc/cpuinfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_REPOSITORY = Path(__file__).resolve().parents[1]


def describe(packages: Iterable[str]) -> dict[str, Any]:
    """Return the device as stored with every run; `packages` are those whose versions matter."""
    cpuinfo = _cpuinfo()
    hardware = {
        "machine": platform.machine(),
        "cpu": cpuinfo.get("model name") or _ask("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor(),
        # Cloud machines hide the model's name; family, model and stepping still tell them apart.
        "cpu_series": "-".join(cpuinfo.get(key, "?") for key in ("cpu family", "model", "stepping")),
        "cores": usable_cores(),
        "gpu": _ask("nvidia-smi", "--query-gpu=name", "--format=csv,noheader"),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
    }
    return {
        **hardware,
        "device_id": device_id(hardware),
        "cpu_flags": sorted((cpuinfo.get("flags") or cpuinfo.get("Features") or "").split()),
        "caches": _caches(),
        "cpu_quota": _read(_QUOTA),
        "gpu_driver": _ask("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "os": _os_name(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "python": platform.python_version(),
        "versions": _versions(packages),
        "git_commit": _ask("git", "-C", str(_REPOSITORY), "rev-parse", "HEAD"),
        "load_average": list(os.getloadavg()),
    }


def device_id(hardware: dict[str, Any]) -> str:
    """Return 12 hexadecimal digits that stay the same while the hardware does; memory counts in whole GiB."""
    identity = {**hardware, "memory_gib": math.ceil(hardware["memory_gib"])}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def usable_cores() -> int:
    """Return the cores that this process may use, which a container or taskset can make fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpuinfo() -> dict[str, str]:
    """Return the first processor's lines of /proc/cpuinfo; empty where there is none."""
    first = (_read(_CPUINFO) or "").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _caches() -> dict[str, str]:
    """Return size by cache of the first core, like {"L1 Data": "48K"}."""
    caches = {}
    for folder in sorted(_CACHES.glob("index*")):
        level, kind, size = (_read(folder / name) for name in ("level", "type", "size"))
        caches[f"L{level} {kind}"] = size or ""
    return caches


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform(terse=True)


def _versions(packages: Iterable[str]) -> dict[str, str]:
    versions = {}
    for package in sorted({*packages, "numpy", "scikit-learn"}):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return None


def _ask(*command: str) -> str | None:
    """Return a command's output, lines joined by a comma, or None when it is missing, fails or hangs."""
    if shutil.which(command[0]) is None:
        return None
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (subprocess.SubprocessError, OSError):
        return None
    return ", ".join(answer.stdout.strip().splitlines()) or None
