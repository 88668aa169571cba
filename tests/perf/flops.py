"""Is our count of the reference CNN's work right? Counted in four ways that know nothing of each other.

The formula (bench.network), torch's own counter of operations, the C program's counters, and the multiply-add
instructions that valgrind's callgrind saw executed. Prints, asserts nothing.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import network
from bench.bounds import build, pure_c
from bench.bounds.samples import ask
from warehouse.errors import DlpulseError

# valgrind knows no AVX-512: the same source for AVX2, its program at fixed addresses so that objdump's are callgrind's.
AVX2 = ("-march=haswell", "-no-pie", "-static")
BATCH = 8
FORWARD = ("conv1", "conv2", "dense")
# The last operand is where the result goes, and so says how many there are.
_FMA = re.compile(r"^\s*([0-9a-f]+):\s+vfn?m(?:add|sub)\d+(ps|ss)\s.*%([xy]mm)\d+\s*$", re.MULTILINE)
_LANES = {"xmm": 4, "ymm": 8}


@dataclass(frozen=True)
class Executed:
    """What callgrind saw of some steps: multiply-adds by lanes, and lines of 64 bytes that no cache held."""

    instructions: int
    multiply_adds: int
    loads: int
    stores: int
    missed_lines: int

    def __sub__(self, other: Executed) -> Executed:
        return Executed(*(getattr(self, name) - getattr(other, name) for name in self.__dataclass_fields__))


def counted(folder: Path) -> dict[str, int]:
    """Return the C program's multiply-adds for one image's training step, by part."""
    toolchain = build.find_toolchain(os.environ)
    program = build.build(toolchain, pure_c.SOURCES, folder, ("-DCOUNT",))
    output = ask((program, "count", pure_c.invent(1, 0).write(folder / "one"), 1, 1))
    return {name: int(number) for name, number in (line.split() for line in output.splitlines())}


def unread() -> int:
    """Return the dense count's multiply-adds of positions that no pool reads, and of those only these need."""
    first, second = network.LAYERS[:2]
    per_position = [layer.multiply_adds // layer.positions for layer in (first, second)]
    return (first.positions - 28 * 28) * per_position[0] + (second.positions - 12 * 12) * per_position[1]


def by_torch() -> tuple[int, int]:
    """Return torch's own count of one image's floating-point operations: forward, and forward with backward."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 32, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(32, 16, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(576, 10),
    )  # fmt: skip
    totals = []
    for backward in (False, True):
        with FlopCounterMode(display=False) as counter:
            loss = torch.nn.functional.cross_entropy(model(torch.zeros(1, 3, 32, 32)), torch.tensor([0]))
            if backward:
                loss.backward()
        totals.append(counter.get_total_flops())
    return totals[0], totals[1]


def by_callgrind(folder: Path) -> Executed:
    """Return what one image's training step executed: two steps of a batch less one, so that set-up drops out.

    Raises:
        DlpulseError: when valgrind, objdump or an AVX2 build is not to be had.
    """
    for tool in ("valgrind", "objdump"):
        if shutil.which(tool) is None:
            raise DlpulseError(f"{tool} is not installed")
    found = build.find_toolchain(os.environ)
    toolchain = build.Toolchain(found.command, found.version, (*build.FLAGS, *AVX2))
    program = build.build(toolchain, pure_c.SOURCES, folder)
    lanes = _lanes_by_address(program)
    one, two = (_run(program, folder, steps, lanes) for steps in (1, 2))
    step = two - one
    return Executed(*(getattr(step, name) // BATCH for name in step.__dataclass_fields__))


def _run(program: Path, folder: Path, steps: int, lanes: Mapping[int, int]) -> Executed:
    out = folder / "callgrind"
    valgrind = ("valgrind", "--tool=callgrind", "--dump-instr=yes", "--compress-pos=no", "--cache-sim=yes")
    task = pure_c.invent(2 * BATCH, 0).write(folder / "task")
    ask((*valgrind, f"--callgrind-out-file={out}", program, "check", task, 1, BATCH, steps, folder / "out"))
    totals = dict.fromkeys(("Ir", "Dr", "Dw", "DLmr", "DLmw"), 0)
    multiply_adds = 0
    for address, costs in _costs(out.read_text("utf-8", errors="replace")):
        for name in totals:
            totals[name] += costs.get(name, 0)
        multiply_adds += costs["Ir"] * lanes.get(address, 0)
    missed = totals["DLmr"] + totals["DLmw"]
    return Executed(totals["Ir"], multiply_adds, totals["Dr"], totals["Dw"], missed)


def _costs(text: str) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield each executed instruction's address and own costs; the line after `calls=` is the callee's sum."""
    events: list[str] = []
    inclusive = False
    for line in text.splitlines():
        if line.startswith("events:"):
            events = line.split()[1:]
        elif line.startswith("calls="):
            inclusive = True
        elif line.startswith("0x"):
            words = line.split()
            if not inclusive:
                # Position is address and source line; costs that are zero at the end are left out.
                yield int(words[0], 16), dict(zip(events, map(int, words[2:]), strict=False))
            inclusive = False


def _lanes_by_address(program: Path) -> dict[int, int]:
    """Return for each fused multiply-add instruction how many numbers it works on."""
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(program)], capture_output=True, text=True, check=True
    ).stdout
    return {int(at, 16): 1 if kind == "ss" else _LANES[register] for at, kind, register in _FMA.findall(listing)}


def main() -> None:
    """Print the counts beside each other, per image."""
    forward, dense = network.forward_multiply_adds(), network.training_flops() // 2
    table = Table("who counts", "what", "multiply-adds an image", "/ formula", title="the work of one training step")

    def add(who: str, what: str, count: int, due: int) -> None:
        table.add_row(who, what, f"{count:,}", f"{count / due:.4f}")

    add("formula", "forward", forward, forward)
    add("formula", "training", dense, dense)
    if importlib.util.find_spec("torch"):
        flops = by_torch()
        add("torch's counter", "forward", flops[0] // 2, forward)
        add("torch's counter", "training", flops[1] // 2, dense)
    with tempfile.TemporaryDirectory() as folder:
        note = _add_program(add, Path(folder), forward, dense)
    console = Console(width=120)
    console.print(table)
    console.print(note)


def _add_program(add: Callable[[str, str, int, int], None], folder: Path, forward: int, dense: int) -> str:
    """Add the C program's own counts and callgrind's; return the note under the table."""
    try:
        parts = counted(folder)
        done = sum(parts[part] for part in FORWARD)
        add("C's counters", "forward, with what no pool reads", done + unread(), forward)
        add("C's counters", "forward, as done", done, forward)
        add("C's counters", "training, as done: winners only", sum(parts.values()), dense)
        step = by_callgrind(folder)
    except DlpulseError as error:
        return f"the rest was not counted: {error}"
    # Nine numbers in two vectors of eight, and one multiply-add per parameter and step for w -= rate * gradient.
    more = parts["d_conv1_kernel"] * (16 - 9) // 9 + network.PARAMETERS // BATCH
    add("C's counters", "and with padding lanes and the update", sum(parts.values()) + more, dense)
    add("callgrind, AVX2", "multiply-add instructions, by lanes", step.multiply_adds, dense)
    return (
        f"callgrind: {step.instructions:,} instructions, {step.loads:,} loads and {step.stores:,} stores an image; "
        f"{step.missed_lines * 64:,} bytes from beyond the last cache it imagines"
    )


if __name__ == "__main__":
    main()
