"""The circumstances of a run: what machine, what software, what load. Asks the system, measures nothing."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import accelerators
from bench.accelerators import Ask

_REPOSITORY = Path(__file__).resolve().parents[1]
_CPUS = "sys/devices/system/cpu"
_TELLING = re.compile(
    r"(OMP|KMP|GOMP|MKL|OPENBLAS|BLIS|VECLIB|XLA|JAX|KERAS|TORCH|PYTORCH|ONEDNN|DNNL|MALLOC|GLIBC|NVIDIA|ROCR|HIP|HSA)_\w+"
    # Terraform's variables begin with TF_ too, and hold passwords.
    r"|TF_(ENABLE|DISABLE|CPP|XLA|NUM|FORCE|GPU|CUDNN|CUDA|USE|DETERMINISTIC|AUTOTUNE|ONEDNN|MKL)_\w+"
    r"|CUDA_(VISIBLE_DEVICES|DEVICE_ORDER|LAUNCH_BLOCKING|MODULE_LOADING)|CUBLAS_WORKSPACE_CONFIG|GLIBC_TUNABLES"
    r"|LD_PRELOAD|PYTHONHASHSEED"
)
_SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSW|CREDENTIAL|HOME|USER|AUTH", re.IGNORECASE)
_PATH = re.compile(r"~?/[^\s:;,='\"]*")


def describe(
    packages: Iterable[str],
    *,
    root: Path = Path("/"),
    ask: Ask = accelerators.ask,
    variables: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the circumstances as stored with every run; what the system does not tell is None or absent.

    `packages` are the distributions whose versions matter; `root`, `ask` and `variables` are where the system is asked.
    """
    cpuinfo = _cpuinfo(root)
    hardware = _hardware(cpuinfo, ask)
    found = [one for one in accelerators.detect(ask) if one.kind != "cpu"]
    return {
        **hardware,
        "device_id": device_id(hardware),
        "gpu": hardware["gpu"] or ", ".join(one.name for one in found) or None,
        "accelerators": [asdict(one) for one in found],
        "gpu_driver": next((one.driver for one in found), None),
        "cuda_version": accelerators.cuda_version(ask) if any(one.kind == "cuda" for one in found) else None,
        "cpu_flags": sorted((cpuinfo.get("flags") or cpuinfo.get("Features") or "").split()),
        "caches": _caches(root),
        "topology": _topology(root),
        "frequency": _frequency(root),
        "transparent_hugepages": _chosen(_read(root / "sys/kernel/mm/transparent_hugepage/enabled")),
        **_limits(root, variables),
        **_system(root),
        **_software(packages, ask),
        "environment": telling(os.environ if variables is None else variables),
        "load_average": list(os.getloadavg()),
    }


def device_id(hardware: Mapping[str, Any]) -> str:
    """Return 12 hexadecimal digits that stay the same while the hardware does; memory counts in whole GiB."""
    identity = {**hardware, "memory_gib": math.ceil(hardware["memory_gib"])}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def usable_cores() -> int:
    """Return the cores that this process may use, which a container or taskset can make fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worthwhile_threads(root: Path = Path("/")) -> int:
    """Return how many threads can work at a time: the usable cores, or a CPU quota's cores, rounded up, if fewer.

    The quota is a limit of the time, not of the machine: it leaves `usable_cores`, hence the device_id, as they are.
    """
    quota = quota_cores(root)
    return usable_cores() if quota is None else max(1, min(usable_cores(), math.ceil(quota)))


def quota_cores(root: Path = Path("/")) -> float | None:
    """Return the cores' worth of CPU time that the tightest enclosing control group allows; None without a limit."""
    tightest = min(map(_cores, _quotas(root)), default=math.inf)
    return None if tightest == math.inf else tightest


def telling(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that can change a result. Paths in them are cut to a library's name, or to
    `PATH`: they name people and folders.
    """
    return {name: without_paths(value) for name, value in sorted(variables.items()) if changes_results(name)}


def changes_results(name: str) -> bool:
    """Tell whether a variable of this name can change a result; one that may hold a secret never counts."""
    return bool(_TELLING.fullmatch(name)) and not _SECRET.search(name)


def without_paths(text: str) -> str:
    """Return the text with each path cut to a library's name, or to `PATH`."""
    return _PATH.sub(_without_folder, text)


def _without_folder(path: re.Match[str]) -> str:
    name = path[0].rpartition("/")[2]
    return name if ".so" in name else "PATH"


def _hardware(cpuinfo: Mapping[str, str], ask: Ask) -> dict[str, Any]:
    """Return what identifies the machine. Its keys and words make the device_id: none may change."""
    names = ask("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    brand = cpuinfo.get("model name") or ask("sysctl", "-n", "machdep.cpu.brand_string")
    return {
        "machine": platform.machine(),
        "cpu": brand or platform.processor(),
        # Cloud machines hide the model's name; family, model and stepping still tell them apart.
        "cpu_series": "-".join(cpuinfo.get(key, "?") for key in ("cpu family", "model", "stepping")),
        "cores": usable_cores(),
        "gpu": ", ".join(names.splitlines()) if names else None,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
    }


def _cpuinfo(root: Path) -> dict[str, str]:
    """Return the first processor's lines of /proc/cpuinfo; empty where there is none."""
    first = (_read(root / "proc/cpuinfo") or "").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _caches(root: Path) -> dict[str, str]:
    """Return size by cache of the first core, like {"L1 Data": "48K"}."""
    caches = {}
    for folder in sorted((root / _CPUS / "cpu0/cache").glob("index*")):
        level, kind, size = (_read(folder / name) for name in ("level", "type", "size"))
        caches[f"L{level} {kind}"] = size or ""
    return caches


def _topology(root: Path) -> dict[str, Any]:
    """Return sockets and physical cores of the whole machine, whether each runs several threads, and NUMA nodes."""
    cpus = [path / "topology" for path in (root / _CPUS).glob("cpu[0-9]*") if (path / "topology").is_dir()]
    places = {(_read(cpu / "physical_package_id"), _read(cpu / "core_id")) for cpu in cpus}
    nodes = list((root / "sys/devices/system/node").glob("node[0-9]*"))
    return {
        "logical_cores": len(cpus) or None,
        "physical_cores": len(places) or None,
        "sockets": len({socket for socket, _ in places}) or None,
        "smt": {"1": True, "0": False}.get(_read(root / _CPUS / "smt/active") or ""),
        "numa_nodes": len(nodes) or None,
    }


def _frequency(root: Path) -> dict[str, Any]:
    """Return the first core's governor and driver, the most MHz it is allowed, and whether it may boost."""
    folder = root / _CPUS / "cpu0/cpufreq"
    khz = _read(folder / "cpuinfo_max_freq") or ""
    boost = _read(root / _CPUS / "cpufreq/boost")
    no_turbo = _read(root / _CPUS / "intel_pstate/no_turbo")
    return {
        "governor": _read(folder / "scaling_governor"),
        "driver": _read(folder / "scaling_driver"),
        "max_mhz": int(khz) // 1000 if khz.isdecimal() else None,
        "boost": {"1": True, "0": False}.get(boost or {"1": "0", "0": "1"}.get(no_turbo or "", "")),
    }


def _limits(root: Path, variables: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what the kernel lets this process have: CPU time (cores' worth) and memory, and in what it is enclosed."""
    memory = [int(text) for folder in _cgroups(root) if (text := _read(folder / "memory.max") or "").isdecimal()]
    return {
        "cpu_quota": min(_quotas(root), key=_cores, default=None),
        "cpu_quota_cores": quota_cores(root),
        "memory_limit_gib": round(min(memory) / 2**30, 1) if memory else None,
        "container": _container(root, os.environ if variables is None else variables),
        "virtual": "hypervisor" in (_cpuinfo(root).get("flags") or "").split(),
    }


def _quotas(root: Path) -> list[str]:
    """Return the CPU limit of each enclosing control group as version 2 writes it: "max" or microseconds, period."""
    told = [_read(folder / "cpu.max") for folder in _cgroups(root)]
    for folder in _cgroups(root, "cpu"):
        most, period = (_read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        told.append(f"{'max' if most == '-1' else most} {period}" if most and period else None)
    return [text for text in told if text]


def _cores(quota: str) -> float:
    most, period = quota.split()
    return math.inf if most == "max" else int(most) / int(period)


def _cgroups(root: Path, controller: str = "") -> list[Path]:
    """Return the folders of this process's control group and all above it, innermost first.

    Those of version 2, or of one controller of version 1.
    """
    top = root / "sys/fs/cgroup" / controller
    names = rf"\d+:(?:[^:]*,)?{controller}(?:,[^:]*)?" if controller else "0:"
    told = re.search(rf"^{names}:/(.*)$", _read(root / "proc/self/cgroup") or "", re.MULTILINE)
    inner = top / (told[1] if told else "")
    return [folder for folder in (inner, *inner.parents) if folder == top or top in folder.parents]


def _container(root: Path, variables: Mapping[str, str]) -> str | None:
    """Name the kind of container, as far as it leaves a hint; WSL counts as one."""
    if "KUBERNETES_SERVICE_HOST" in variables:
        return "kubernetes"
    for file, kind in ((".dockerenv", "docker"), ("run/.containerenv", "podman")):
        if (root / file).exists():
            return kind
    if "microsoft" in (_read(root / "proc/sys/kernel/osrelease") or "").lower():
        return "wsl"
    return variables.get("container") or None


def _system(root: Path) -> dict[str, Any]:
    available = re.search(r"^MemAvailable:\s*(\d+)", _read(root / "proc/meminfo") or "", re.MULTILINE)
    return {
        "os": _os_name(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "memory_available_gib": round(int(available[1]) / 2**20, 1) if available else None,
    }


def _software(packages: Iterable[str], ask: Ask) -> dict[str, Any]:
    git = (_REPOSITORY / ".git").exists()  # else an installed copy, perhaps inside a repository of somebody's own
    changed = ask("git", "-C", str(_REPOSITORY), "status", "--porcelain", "--untracked-files=no") if git else None
    return {
        "python": platform.python_version(),
        "python_build": " ".join((platform.python_implementation(), platform.python_compiler())),
        "versions": _versions(packages),
        "blas": _blas(),
        "git_commit": ask("git", "-C", str(_REPOSITORY), "rev-parse", "HEAD") if git else None,
        "git_changed": bool(changed) if git else None,
    }


def _blas() -> dict[str, str]:
    """Return name, version and build configuration of numpy's BLAS and LAPACK, without the builder's folders."""
    import numpy as np

    told: Any = np.show_config(mode="dicts")
    libraries = told.get("Build Dependencies", {}) if isinstance(told, dict) else {}
    return {
        f"{library} {key}": str(libraries[library][key])
        for library in ("blas", "lapack")
        for key in ("name", "version", "openblas configuration")
        if libraries.get(library, {}).get(key)
    }


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


def _chosen(text: str | None) -> str | None:
    """Return the word in brackets of a kernel setting such as `always [madvise] never`."""
    told = re.search(r"\[(\w+)\]", text or "")
    return told[1] if told else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return None
