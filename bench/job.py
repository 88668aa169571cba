"""What a worker is asked to do and what it answers: the words that runner, worker and archive share. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Track = Literal["default", "matched"]
Kind = Literal["throughput", "learning"]
ASIDE = 0.5
"""How long a block of another batch size than the main one is, in blocks of that."""


@dataclass(frozen=True)
class Job:
    """One trial, that is, one process launch: which engine in which configuration, and how much is timed.

    `batch_sizes` are images a step, the first being the one that learning and set-up are told for. `blocks` blocks of
    about `block_s` seconds are timed for each phase at that size, half as long ones at the others. A `learning` trial
    takes `epochs` epochs instead.
    `device` is an accelerator's kind (`cpu`, `cuda`, `rocm`, `mps`). `control` marks the second of two equal programs
    (the A/A control), `stack` names the set of library versions it ran with ("" for dlpulse's own).
    """

    engine: str
    mode: str
    track: Track
    tuning: str
    threads: int
    seed: int
    kind: Kind = "throughput"
    precision: str = "float32"
    device: str = "cpu"
    batch_sizes: tuple[int, ...] = (128,)
    blocks: int = 4
    block_s: float = 0.25
    epochs: int = 10
    control: bool = False
    stack: str = ""

    def __post_init__(self) -> None:
        # It travels as JSON, which has no tuples.
        object.__setattr__(self, "batch_sizes", tuple(self.batch_sizes))

    @property
    def aside(self) -> Job:
        """The same with the shorter blocks of the batch sizes beside the main one: a launch is one value anyway."""
        return replace(self, block_s=self.block_s * ASIDE)


@dataclass(frozen=True)
class Measurement:
    """One metric of a trial: the median of its samples, and all samples. `phase`: training, inference or setup."""

    phase: str
    metric: str
    unit: str
    batch_size: int
    value: float
    samples: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Epoch:
    """One epoch of a learning trial: seconds of training so far (evaluation left out), mean loss, test accuracy."""

    epoch: int
    train_s: float
    loss: float
    accuracy: float
