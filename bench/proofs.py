"""Prints parity proofs for a person: each engine's differences from the reference beside what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Answer = Mapping[str, Any]
"""A proof as `bench.parity` stores it with engine, mode, track and tuning; or these and an `error`."""

_PRECISIONS = ("float64", "float32")
_COLUMNS = (
    ("outputs", ("logits", "probabilities")),
    ("loss", ("loss",)),
    ("gradients", ("gradients",)),
    ("weights", ("weights",)),
)


def table(answers: Iterable[Answer]) -> RenderableType:
    """Return a table of all proofs, a line for each precision; then every fault, and how it was compared."""
    told = sorted(answers, key=lambda answer: str(answer["track"]), reverse=True)
    title = "largest difference from the numpy float64 reference (! more than allowed)"
    # Bare of frames: eighty columns hold it whole.
    grid = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("", "precision", *(heading for heading, _ in _COLUMNS), ""):
        grid.add_column(heading, justify="left" if heading in ("", "precision") else "right", no_wrap=True)
    for track in dict.fromkeys(answer["track"] for answer in told):
        own = [answer for answer in told if answer["track"] == track]
        for limits in _limits(own):
            grid.add_row(f"track {track}\n  allowed", *_lines({"limits": limits, "figures": limits}), "", style="dim")
        for answer in own:
            grid.add_row(_name(answer), *_lines(answer), _verdict(answer))
        grid.add_section()
    return Group(grid, *(Text(f"! {fault}") for fault in faults(told)), *(Text(note, "dim") for note in _notes(told)))


def faults(answers: Iterable[Answer]) -> list[str]:
    """Return one line for each fault of each engine that is not proved, and for each that could not be tried."""
    return [f"{label(answer)}: {fault}" for answer in answers for fault in _faults(answer)]


def label(answer: Answer) -> str:
    """Return what is proved in one phrase: `pytorch eager, track matched, stock`; a device other than the CPU too."""
    device = "" if answer.get("device", "cpu") == "cpu" else f" on {answer['device']}"
    return f"{answer['engine']} {answer['mode']}, track {answer['track']}{_after(answer.get('tuning'))}{device}"


def rows(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """Return one row for each figure, for csv, json or md; limit and within are None for one that is told only."""
    return [
        {
            **{name: answer.get(name) for name in ("engine", "mode", "track", "tuning", "device", "seed")},
            **{"figure": figure, "difference": value, "limit": answer["limits"].get(figure)},
            "within": None if figure not in answer["limits"] else not _over(answer, figure),
        }
        for answer in answers
        for figure, value in answer.get("figures", {}).items()
    ]


def _faults(answer: Answer) -> Sequence[str]:
    if "error" in answer:
        return [f"not tried: {answer['error']}"]
    told: Sequence[str] = answer["faults"]
    return told


def _limits(answers: Iterable[Answer]) -> list[Mapping[str, float]]:
    """Return the limits of the proofs, each set once."""
    found: list[Mapping[str, float]] = []
    for answer in answers:
        limits = answer.get("limits", {})
        if limits and limits not in found:
            found.append(limits)
    return found


def _name(answer: Answer) -> str:
    device = "" if answer.get("device", "cpu") == "cpu" else f", {answer['device']}"
    return f"{answer['engine']}\n  {answer['mode']}{_after(answer.get('tuning'))}{device}"


def _after(word: object) -> str:
    return f", {word}" if word else ""


def _verdict(answer: Answer) -> str:
    if "error" in answer:
        return "NOT TRIED"
    return "proved" if answer["proved"] else "NOT PROVED"


def _lines(answer: Answer) -> list[str]:
    """Return the cells from precision to weights; a line of each for every precision that has figures."""
    figures: Mapping[str, float | None] = answer.get("figures", {})
    shown = [precision for precision in _PRECISIONS if any(name.startswith(precision) for name in figures)]
    cells = [[_cell(answer, precision, parts) for precision in shown] for _, parts in _COLUMNS]
    return ["\n".join(lines) for lines in (shown, *cells)]


def _cell(answer: Answer, precision: str, parts: Sequence[str]) -> str:
    for part in parts:
        name = f"{precision}_{part}"
        if name in answer["figures"]:
            value = answer["figures"][name]
            return f"{'none' if value is None else _figure(value)}{'!' if _over(answer, name) else ''}"
    return ""


def _figure(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


def _over(answer: Answer, name: str) -> bool:
    value, limit = answer["figures"][name], answer["limits"].get(name)
    return limit is not None and not (value is not None and value <= limit)


def _notes(answers: Sequence[Answer]) -> list[str]:
    """Say how it was compared, and what of each track is not judged."""
    matched = next((one for one in answers if one["track"] == "matched" and "figures" in one), None)
    default = next((one for one in answers if one["track"] == "default" and "figures" in one), None)
    notes = []
    if matched:
        notes.append(
            f"Matched: layers as each framework tells them; then, from equal weights (seed {matched['seed']}), logits, "
            f"loss and gradients of a batch of {matched['batch_size']}, and losses and weights over {matched['steps']} "
            f"steps of plain SGD at {matched['learning_rate']:g} in float64, {matched['float32_steps']} in float32: "
            "later, rounding chooses between near-equal pool values."
        )
    if default:
        notes.append(
            "Default: layers, probabilities, and that the reported loss is their cross-entropy. Initial weights and "
            f"optimiser are the framework's own and not judged{_adam(default)}"
        )
    return notes


def _adam(answer: Answer) -> str:
    gap = answer["figures"].get("adam_epsilon")
    if gap is None:
        return "."
    return (
        ": Keras' Adam adds its epsilon (1e-7) before the bias correction, PyTorch's (1e-8) after it; by their "
        f"formulas a weight differs by {gap:.0e} after one step."
    )
