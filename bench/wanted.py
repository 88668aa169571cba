"""What a run is asked to measure, checked against the engines, this machine and the data: one clear line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import accelerators, device, stacks
from bench.data import Dataset
from bench.engines import ARTICLE, ENGINES, EngineSpec, choose
from bench.launch import TUNINGS
from bench.protocol import PRECISIONS, Field, Protocol
from bench.stackfile import Stack
from warehouse.errors import BadInputError, DlpulseError, nearest

Say = Callable[[str], None]
Agree = Callable[[str], bool]
"""Takes a question; returns whether somebody said yes."""


BY_DEFAULT = tuple(reversed(ARTICLE))
"""The article's two; first the one that starts faster, for the first is launched twice as often, as its own control."""
SAMPLE = (6144, 1000)
"""Training and test images that a throughput trial takes of a larger data set: 48 batches of 128."""


@dataclass(frozen=True)
class Wanted:
    """What a run is to measure. `engines` None: all that are installed; `modes` empty: each one's first; None: all.

    `agree` is asked before much is installed; unless told otherwise nobody agrees.
    """

    protocol: Protocol
    engines: tuple[str, ...] | None = BY_DEFAULT
    modes: tuple[str, ...] | None = ()
    dataset: str = "digits"
    seed: int = 0
    threads: int | None = None
    precision: str = "float32"
    device: str = accelerators.AUTO
    matrix: Path | None = None
    agree: Agree = field(default=lambda _: False)


def entered(wanted: Wanted, known: Sequence[Stack]) -> list[Field]:
    """Return every engine in each of its wanted modes, in each of the stacks where there are any.

    Raises:
        BadInputError: for an unknown engine, mode or tuning, or an engine that no stack has.
        DlpulseError: when a library is missing.
    """
    for tuning in wanted.protocol.tunings:
        if tuning not in TUNINGS:
            raise BadInputError(f"unknown tuning {tuning!r}{nearest(tuning, TUNINGS)}")
    if known:
        pairs = [(name, stack.name) for stack in known for name in stack.engines if _wants(wanted, name)]
    else:
        pairs = [(spec.name, "") for spec in choose(wanted.engines)]
    specs = [ENGINES[name] for name, _ in pairs]
    every = dict.fromkeys(mode for spec in specs for mode in spec.modes)
    for mode in wanted.modes or ():
        if mode not in every:
            raise BadInputError(f"--mode {mode}: the chosen engines have no such mode{nearest(mode, every)}")
    fields = [Field(name, mode, stack) for name, stack in pairs for mode in _modes(ENGINES[name], wanted.modes)]
    if not fields:
        raise BadInputError("nothing to measure: no engine has been chosen that the matrix file has")
    return fields


def fitting(wanted: Wanted, kind: str, loaded: Dataset, notes: list[str], *, root: Path = Path("/")) -> Protocol:
    """Return the protocol as far as the data set allows; what it does not allow unasked is noted.

    `kind` is the device that was chosen, `root` is where the system is asked.

    Raises:
        BadInputError: for an unknown precision, or a batch size beyond the data.
        DlpulseError: for bfloat16 where the device would only emulate it.
    """
    protocol = wanted.protocol
    if wanted.precision not in PRECISIONS:
        raise BadInputError(f"unknown precision {wanted.precision!r}{nearest(wanted.precision, PRECISIONS)}")
    if wanted.precision == "bfloat16":
        if lack := accelerators.lacks_bfloat16(kind, device.describe((), root=root)["cpu_flags"]):
            raise DlpulseError(f"--precision bfloat16: {lack}; emulated it would be up to 70 times slower")
        notes.append("bfloat16 keeps 3 digits: the proofs are of the same programs in float64 and float32")
    images = min(len(loaded.train_labels), SAMPLE[0])
    for size in protocol.batch_sizes:
        if size > images:
            raise BadInputError(f"--batch-size {size}: a trial on {loaded.name} has {images:,} images to train on")
    if wanted.precision != "float32" and "default" in protocol.tracks:
        notes.append(f"track default left out: its tutorials train in float32, not {wanted.precision}")
        protocol = replace(protocol, tracks=tuple(track for track in protocol.tracks if track != "default"))
    if protocol.learning_seeds and not loaded.learnable:
        notes.append(f"learning trials left out: an accuracy on {loaded.name} data would mean nothing")
        protocol = replace(protocol, learning_seeds=0)
    return protocol


def threads(asked: int | None, *, root: Path = Path("/")) -> int:
    """Return how many threads to use: unless told, one for each core that this process may use and has the quota for.

    `root` is where the system is asked.

    Raises:
        BadInputError: for more than that.
    """
    most = device.worthwhile_threads(root)
    if asked is not None and asked > most:
        cores = f"{device.usable_cores()} cores"
        if most < device.usable_cores():
            cores = f"{device.quota_cores(root):g} of {cores} at a time, its CPU quota"
        raise BadInputError(f"--threads {asked}: this process may use {cores}; more would only wait")
    return asked or most


def made(known: Iterable[Stack], agree: Agree, say: Say, notes: list[str]) -> list[Stack]:
    """Make the stacks' environments, telling sizes first; return those that are ready. Of others a note is left."""
    ready = []
    for stack in known:
        try:
            say(stacks.size_line(stack, say))
            if stacks.needs_consent(stack, say) and not agree(f"install stack {stack.name}?"):
                notes.append(f"stack {stack.name} left out: so much is installed with --yes-large, or when agreed to")
                continue
            stacks.prepare(stack, say)
            ready.append(stack)
        except DlpulseError as error:
            notes.append(f"left out: {error}")
    return ready


def _wants(wanted: Wanted, engine: str) -> bool:
    return wanted.engines is None or engine in wanted.engines


def _modes(spec: EngineSpec, modes: Sequence[str] | None) -> list[str]:
    if modes is None:
        return list(spec.modes)
    return [mode for mode in spec.modes if mode in modes] if modes else [spec.mode]
