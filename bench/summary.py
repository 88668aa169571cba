"""What a run says of itself at its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.protocol import Proving


@dataclass
class Summary:
    """What a run brought. `failures` make the exit code 1; `notes` do not. `left` are the trials still to be done."""

    run_id: str
    device_id: str
    trials: int = 0
    proved: dict[Proving, bool] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: bool = False
    left: int = 0
