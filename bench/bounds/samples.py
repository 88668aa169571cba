"""One bound with its samples, and how a measuring program is asked for them."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from warehouse.errors import DlpulseError

SAMPLES = 5
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Bound:
    """What the machine can do: the median of `samples`. `how` is one line for the reader; `unit` that of `metric`."""

    bound: str
    phase: str
    metric: str
    unit: str
    batch_size: int | None
    samples: tuple[float, ...]
    how: str
    precision: str = "float32"

    @property
    def value(self) -> float:
        """The median: a bound that was reached once by luck is none."""
        return statistics.median(self.samples)

    def as_json(self) -> dict[str, Any]:
        """Return the bound as stored in the raw archive."""
        return {**asdict(self), "samples": list(self.samples), "value": self.value}


def ask(command: Sequence[object], variables: Mapping[str, str] | None = None) -> str:
    """Run a measuring program and return its output.

    Raises:
        DlpulseError: when it fails or takes longer than TIMEOUT_S; with its last words.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
            env=dict(variables) if variables is not None else None,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DlpulseError(f"{_title(words)}: no answer after {TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise DlpulseError(f"{_title(words)}: cannot be run: {error.strerror}") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise DlpulseError(f"{_title(words)}: exit code {done.returncode}: {last[0].strip()[:300]}")
    return done.stdout


def rates(output: str) -> tuple[float, ...]:
    """Return work per second from lines of "work seconds"."""
    pairs = (line.split() for line in output.splitlines())
    return tuple(float(work) / float(seconds) for work, seconds in pairs)


def _title(words: Sequence[str]) -> str:
    """Return the program's name without its folder, which would name a place on this machine."""
    return words[0].rsplit("/", 1)[-1]
