"""How much a run measures and in which order: launches, tunings, block lengths, random interleaving."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.engines import EngineSpec
from bench.launch import TUNINGS


@dataclass(frozen=True)
class Protocol:
    """How much is measured. `budget_s`: later tunings are left out when they would not end within it."""

    launches: int
    blocks: int
    block_s: float
    tunings: tuple[str, ...] = tuple(TUNINGS)
    budget_s: float | None = None
    timeout_s: float = 300.0


QUICK = Protocol(launches=3, blocks=4, block_s=0.15, budget_s=80.0)
FULL = Protocol(launches=8, blocks=8, block_s=0.5)


@dataclass(frozen=True)
class Planned:
    """One trial to come."""

    spec: EngineSpec
    tuning: str
    launch: int

    @property
    def title(self) -> str:
        """What the progress display says."""
        return f"{self.spec.name}, {self.tuning}, launch {self.launch}"


def plan(specs: Sequence[EngineSpec], protocol: Protocol, chance: random.Random) -> list[list[Planned]]:
    """Return the trials in stages; inside each, rounds of every configuration once, in random order.

    With a budget each tuning is a stage of its own, so that the first is whole; else one stage mixes them all.
    """
    together = [protocol.tunings] if protocol.budget_s is None else [(tuning,) for tuning in protocol.tunings]
    stages = []
    for tunings in together:
        stage: list[Planned] = []
        for launch in range(1, protocol.launches + 1):
            entries = [Planned(spec, tuning, launch) for spec in specs for tuning in tunings]
            chance.shuffle(entries)
            stage += entries
        stages.append(stage)
    return stages
