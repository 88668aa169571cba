"""Where, with what and how a run's figures came about: the lines under its tables, and what two runs differ in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.results import RunResults

_FLAGS = (
    *("avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16"),
    *("amx_tile", "amx_bf16", "amx_int8", "asimd", "asimddp", "asimdhp", "sve", "sve2", "bf16", "i8mm"),
)
_MACHINE = ("cpu", "cpu_series", "cores", "memory_gib", "gpu", "gpu_driver", "cuda_version", "caches", "cpu_quota")
_SYSTEM = ("os", "kernel", "libc", "python", "transparent_hugepages", "git_commit")
_SHORT = 12
_BUSY = 0.25
"""Load that is not the run's own, per core, from which it is called disturbed."""
_OFTEN = 0.25
"""The share of trials that must have been so: the first ones still carry the load of the proofs."""


def lines(run: RunResults) -> Iterator[tuple[str, str]]:
    """Yield what is told under a run's tables, as (about, text)."""
    device = run.device
    yield "run", f"{run.run_id} on device {device.get('device_id')}, {_period(run)}"
    yield "machine", _machine(device)
    yield "CPU flags that matter", ", ".join(flags(device)) or "none told"
    yield "system", _told(device, _SYSTEM)
    yield "libraries", "; ".join(versions(run)) or _pairs(device.get("versions"))
    yield "data", "; ".join(_distinct(run.launches, ("dataset", "data_sha256", "device", "precision")))
    yield "optimiser", "; ".join(optimisers(run))
    if unasked := compiled_unasked(run):
        yield "compiled unasked", "; ".join(unasked)
    yield "threads", threads(run)
    yield "load", load(run)
    for about, text in variables(run.launches).items():
        yield f"variables, {about}", text


def flags(device: Mapping[str, Any]) -> list[str]:
    """Return the CPU's flags that decide which code a library takes."""
    return [flag for flag in _FLAGS if flag in (device.get("cpu_flags") or ())]


def versions(run: RunResults) -> list[str]:
    """Return each engine's libraries as it told them itself, by stack where there are several."""
    told = {}
    for launch in run.launches:
        in_force = (launch.get("in_force") or {}).get("versions") or {}
        engine = f"{launch['engine']} [{launch['stack']}]" if launch.get("stack") else launch["engine"]
        if in_force:
            told[engine] = f"{engine}: {_pairs(in_force)}"
    return [told[engine] for engine in sorted(told)]


def optimisers(run: RunResults) -> list[str]:
    """Return each track's optimisers, engine by engine where they differ, with the settings that are in force."""
    found: dict[str, dict[str, list[str]]] = {}
    for launch in sorted(run.launches, key=lambda one: str(one["engine"])):
        if settings := launch.get("optimiser"):
            set_ones = {name: value for name, value in settings.items() if value and name != "name"}
            text = f"{settings.get('name')} {_pairs(set_ones)}".strip()
            engines = found.setdefault(launch["track"], {}).setdefault(text, [])
            if launch["engine"] not in engines:
                engines.append(launch["engine"])
    return [
        f"{track}: " + " | ".join(f"{', '.join(engines)} {text}" for text, engines in told.items())
        for track, told in sorted(found.items())
    ]


def compiled_unasked(run: RunResults) -> list[str]:
    """Return the programs that were compiled although their mode is called otherwise, since the framework chose so."""
    found = {
        f"{launch['engine']} {launch['mode']} on track {launch['track']}"
        for launch in run.launches
        if launch.get("mode") != "compiled" and (launch.get("in_force") or {}).get("jit_compile")
    }
    return sorted(found)


def threads(run: RunResults) -> str:
    """Return threads asked for, and the cores that were seen in use."""
    asked = sorted({row["threads"] for row in [*run.trials, *run.epochs]})
    seen = [row["value"] for row in run.trials if row["metric"] == "cores_used"]
    cores = f"cores seen in use {min(seen):.2f} to {max(seen):.2f}" if seen else "cores in use not told"
    return f"{', '.join(map(str, asked))} asked for; {cores}"


def load(run: RunResults) -> str:
    """Return the least and largest load average over the trials, and that before; says when others were at work."""
    told = [launch for launch in run.launches if launch.get("load_average")]
    if not told:
        return "not told"
    one_minute = [launch["load_average"][0] for launch in told]
    cores, before = run.device.get("cores") or 1, (run.device.get("load_average") or [None])[0]
    text = f"{min(one_minute):.1f} to {max(one_minute):.1f} in the last minute of each trial, on {cores} cores"
    text += "" if before is None else f", {before:.1f} before the first"
    disturbed = [launch["load_average"][0] - launch["threads"] > _BUSY * cores for launch in told]
    if sum(disturbed) < _OFTEN * len(told) and (before or 0.0) <= _BUSY * cores:
        return text
    return f"{text}: others were at work; images per CPU-second are the steadier figure then"


def variables(launches: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the environment variables: of all trials, then what each tuning and each engine had besides."""
    rows = [launch for launch in launches if launch.get("environment") is not None]
    everywhere = _shared(rows)
    told = {"all": everywhere}
    for column in ("tuning", "engine"):
        for value in sorted({row[column] for row in rows}):
            own = _shared([row for row in rows if row[column] == value])
            told[value] = {name: word for name, word in own.items() if name not in everywhere}
    return {about: " ".join(f"{name}={word}" for name, word in own.items()) for about, own in told.items() if own}


def differences(a: RunResults, b: RunResults) -> list[tuple[str, str, str]]:
    """Return what two runs differ in besides their results, as (what, in a, in b)."""
    told_a, told_b = dict(_compared(a)), dict(_compared(b))
    names = dict.fromkeys([*told_a, *told_b])
    return [
        (name, told_a.get(name, "not told"), told_b.get(name, "not told"))
        for name in names
        if told_a.get(name) != told_b.get(name)
    ]


def _compared(run: RunResults) -> Iterator[tuple[str, str]]:
    for name in (*_MACHINE, *_SYSTEM):
        yield name, _short(name, run.device.get(name))
    yield "CPU flags", ", ".join(flags(run.device))
    yield "data", "; ".join(_distinct(run.launches, ("dataset", "data_sha256", "device", "precision")))
    yield "optimiser", "; ".join(optimisers(run))
    yield "load", load(run)
    for about, text in variables(run.launches).items():
        yield f"variables, {about}", text


def _machine(device: Mapping[str, Any]) -> str:
    caches = _pairs(device.get("caches"))
    parts = [
        f"{device.get('cpu')} (family-model-stepping {device.get('cpu_series', 'not told')})",
        f"{device.get('cores')} cores, {device.get('memory_gib')} GiB",
        f"{device.get('gpu') or 'no GPU'}{_after(' driver ', device.get('gpu_driver'))}",
        f"caches {caches}" if caches else "",
        _after("CPU quota ", device.get("cpu_quota")),
    ]
    return "; ".join(part for part in parts if part)


def _after(words: str, value: object) -> str:
    return f"{words}{value}" if value else ""


def _told(device: Mapping[str, Any], names: Sequence[str]) -> str:
    parts = ((name, _short(name, device.get(name))) for name in names)
    return "; ".join(f"{name.replace('_', ' ')} {text}" for name, text in parts if text)


def _short(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return _pairs(value)
    return "" if value is None else str(value)[:_SHORT] if name == "git_commit" else str(value)


def _pairs(table: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in dict(table or {}).items())


def _distinct(launches: Iterable[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Return the different combinations of some columns, hashes cut short."""
    cut = (" ".join(str(row[name])[:_SHORT] for name in names if row.get(name)) for row in launches)
    return list(dict.fromkeys(cut))


def _shared(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the variables that all these trials had alike."""
    if not rows:
        return {}
    common = set.intersection(*(set(row["environment"].items()) for row in rows))
    return dict(sorted(common))


def _period(run: RunResults) -> str:
    started = sorted(str(launch.get("started_at", ""))[:16] for launch in run.launches)
    return f"{started[0]} to {started[-1]} UTC" if started else "no trials"
