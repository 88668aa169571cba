"""Which accelerators this machine has, and which one a run uses. Asks the vendors' tools; imports no framework."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.engines import EngineSpec
from warehouse.errors import BadInputError, DlpulseError, nearest

AUTO = "auto"
KINDS = ("cpu", "cuda", "rocm", "mps")
Ask = Callable[..., str | None]
"""Takes a command's words; returns what it printed, or None when it is missing, fails or hangs."""
_ABSENT = {
    "cuda": "no NVIDIA GPU was found: nvidia-smi is missing or lists none",
    "rocm": "no AMD GPU was found: rocm-smi and rocminfo are missing or list none",
    "mps": "there is no Metal GPU: that takes macOS on Apple silicon",
}
_NVIDIA = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")
_ROCM = ("rocm-smi", "--showproductname", "--showmeminfo", "vram", "--showdriverversion", "--json")
_COMPUTE_CAPABILITY = ("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
# What multiplies bfloat16 in hardware: x86 with either flag, ARM with the last; NVIDIA from Ampere on; AMD's Instinct
# from MI100 and Radeon from RX 7000 on.
_BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")
_BFLOAT16_CAPABILITY = 8.0
_BFLOAT16_GFX = re.compile(r"9(08|0a|[45]\w)|1[12]\w\w")
# What a local version says about a build: torch's 2.13.0+cpu, 2.13.0+cu130, 2.13.0+rocm7.1.
_BUILD = re.compile(r"\+(cpu|cu\d|rocm)")


@dataclass(frozen=True)
class Accelerator:
    """One device that engines can compute on; memory in MiB. What its tool does not tell is None."""

    kind: str
    name: str
    memory_mib: int | None = None
    driver: str | None = None


CPU = Accelerator("cpu", "the CPU")


def ask(*command: str) -> str | None:
    """Return what a command printed, or None when it is missing, fails or takes more than 10 s."""
    if shutil.which(command[0]) is None:
        return None
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=10, check=True, stdin=subprocess.DEVNULL
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return answer.stdout.strip() or None


def detect(ask: Ask = ask, *, system: str = platform.system(), machine: str = platform.machine()) -> list[Accelerator]:
    """Return the CPU, then every accelerator found, NVIDIA's first. `system` and `machine` are `platform`'s words."""
    found = [CPU, *_nvidia(ask(*_NVIDIA))]
    found += _rocm_smi(ask(*_ROCM)) or _rocminfo(ask("rocminfo"))
    if (system, machine) == ("Darwin", "arm64"):
        name = ask("sysctl", "-n", "machdep.cpu.brand_string") or "Apple silicon"
        found.append(Accelerator("mps", name, _mib(ask("sysctl", "-n", "hw.memsize"))))
    return found


def cuda_version(ask: Ask = ask) -> str | None:
    """Return the newest CUDA that the driver can serve, as nvidia-smi's head line tells it."""
    told = re.search(r"CUDA Version:\s*([\d.]+)", ask("nvidia-smi") or "")
    return told[1] if told else None


def lacks_bfloat16(kind: str, cpu_flags: Collection[str], ask: Ask = ask) -> str | None:
    """Say why a kind of device here does not offer bfloat16; None when its hardware multiplies it.

    Emulated, a matrix multiply was seen to take 70 times as long. Of several GPUs each must have it.
    """
    if kind == "cpu":
        has = any(flag in cpu_flags for flag in _BFLOAT16_FLAGS)
        return None if has else f"this CPU tells none of the flags {', '.join(_BFLOAT16_FLAGS)}"
    if kind == "cuda":
        told = [line.strip() for line in (ask(*_COMPUTE_CAPABILITY) or "").splitlines()]
        lacking = [one for one in told if not re.fullmatch(r"\d+\.\d+", one) or float(one) < _BFLOAT16_CAPABILITY]
        needed = f"that takes compute capability {_BFLOAT16_CAPABILITY:.1f}, and nvidia-smi tells"
        return None if told and not lacking else f"{needed} {', '.join(lacking) or 'none'}"
    if kind == "rocm":
        names = re.findall(r"^\s*Name:\s+gfx(\w+)\s*$", ask("rocminfo") or "", re.MULTILINE)
        lacking = [f"gfx{name}" for name in names if not _BFLOAT16_GFX.fullmatch(name)]
        told_names = ", ".join(lacking) or "no GPU"
        return None if names and not lacking else f"rocminfo tells {told_names}, not known to have it"
    return "nothing tells whether an Apple GPU has it"


def choose(
    requested: str,
    found: Sequence[Accelerator],
    *specs: EngineSpec,
    installed: Callable[[], Mapping[str, str]] | None = None,
) -> str:
    """Return the kind that a run of these engines uses.

    `auto` is the first accelerator found that every engine knows and whose libraries are built for it, else the CPU:
    one kind for all, since a GPU beside a CPU compares nothing. `installed` gives versions by distribution.

    Raises:
        BadInputError: for a word that names no kind; names the nearest.
        DlpulseError: when the machine has no such device, or an engine cannot use it; says which and why.
    """
    if requested not in (AUTO, *KINDS):
        raise BadInputError(f"--device {requested!r} is no kind of device{nearest(requested, (AUTO, *KINDS))}")
    present = list(dict.fromkeys(one.kind for one in found))
    versions = (installed or _installed)() if any(kind != "cpu" for kind in present) else {}
    if requested == AUTO:
        usable = (kind for kind in present if kind != "cpu" and not _obstacle(kind, specs, versions))
        return next(usable, "cpu")
    if requested != "cpu" and requested not in present:
        raise DlpulseError(f"--device {requested}: {_ABSENT[requested]}; this machine has {', '.join(present)}")
    if obstacle := _obstacle(requested, specs, versions):
        raise DlpulseError(f"--device {requested}: {obstacle}")
    return requested


def _obstacle(kind: str, specs: Sequence[EngineSpec], versions: Mapping[str, str]) -> str | None:
    """Say why an engine cannot use a kind, as far as that can be told without importing it; None when nothing is."""
    for spec in specs:
        if kind not in spec.devices:
            return f"{spec.name} runs on {', '.join(spec.devices)} only; leave it out with --engine"
        if kind != "cpu" and (build := _wrong_build(kind, spec, versions)):
            return f"{spec.name} has {build}, which cannot use it; install the build for it, or take --device cpu"
    return None


def _wrong_build(kind: str, spec: EngineSpec, versions: Mapping[str, str]) -> str | None:
    """Name an engine's library that is built for another kind of device than `kind`."""
    for package in spec.packages:
        version = versions.get(package)
        if version is None:
            continue
        told = _BUILD.search(version)
        built_for = {"cpu": "cpu", "roc": "rocm"}.get(told[1][:3], "cuda") if told else None
        if (
            package.endswith("-cpu")
            or (built_for and built_for != kind)
            or (package == "torch" and kind == "rocm" and not told)
        ):
            return f"{package} {version}"
        if package == "jax" and not any(name.startswith(f"jax-{kind}") for name in versions):
            return f"jax {version} without its {kind} plugin"
    return None


def _installed() -> dict[str, str]:
    """Return version by distribution, names in their normal form."""
    return {
        re.sub(r"[-_.]+", "-", name).lower(): one.version
        for one in importlib.metadata.distributions()
        if (name := one.metadata["Name"])
    }


def _nvidia(answer: str | None) -> Iterator[Accelerator]:
    """Read nvidia-smi's lines `name, MiB, driver`; a figure it cannot tell is `[N/A]`."""
    for line in (answer or "").splitlines():
        name, *rest = (part.strip() for part in line.rsplit(",", 2))
        if len(rest) == 2:
            yield Accelerator("cuda", name, int(rest[0]) if rest[0].isdecimal() else None, rest[1])


def _rocm_smi(answer: str | None) -> list[Accelerator]:
    """Read rocm-smi's JSON: a block for each card, one for the system. Releases spell the keys differently."""
    try:
        told: Any = json.loads(answer or "{}")
    except ValueError:
        return []
    if not isinstance(told, dict):
        return []
    blocks = {name: _lowered(block) for name, block in told.items() if isinstance(block, dict)}
    driver = blocks.get("system", {}).get("driver version")
    return [
        Accelerator(
            "rocm",
            block.get("card series") or block.get("card model") or "AMD GPU",
            _mib(block.get("vram total memory (b)")),
            driver,
        )
        for name, block in blocks.items()
        if name.startswith("card")
    ]


def _lowered(block: Mapping[str, Any]) -> dict[str, str]:
    return {key.lower(): str(value) for key, value in block.items()}


def _rocminfo(answer: str | None) -> list[Accelerator]:
    """Read rocminfo's agents; the CPUs among them are left out."""
    agents = re.split(r"^Agent \d+\s*$", answer or "", flags=re.MULTILINE)[1:]
    names = (
        re.search(r"Marketing Name:[ \t]*(.*)", agent) for agent in agents if re.search(r"Device Type:\s+GPU", agent)
    )
    return [Accelerator("rocm", (name[1].strip() if name else "") or "AMD GPU") for name in names]


def _mib(bytes_told: str | None) -> int | None:
    return int(bytes_told) // 2**20 if bytes_told and bytes_told.isdecimal() else None
