"""The page of results that `python -m tests.docs_benchmarks` writes, from a stored run with known values."""

from __future__ import annotations

import pytest

from bench import results
from bench.results import RunResults
from tests import docs_benchmarks
from tests.bench.stored_runs import (
    FAST,
    KERAS,
    SLOW,
    bounds,
    device,
    learning,
    measurement,
    proof,
    store,
    trial,
    trials,
)
from warehouse.errors import DlpulseError
from warehouse.settings import Settings

CODE = [measurement("code_lines", 19, phase="setup"), measurement("images_per_s", 100.0)]


@pytest.fixture
def run(settings: Settings) -> RunResults:
    bodies = [
        *(device(), bounds(78.17472e9), proof(KERAS), proof("pytorch"), proof("tensorflow", proved=False)),
        *(*trials(KERAS, FAST), *trials("pytorch", SLOW), *trials("tensorflow", FAST)),
        *trials(KERAS, [value * 1.01 for value in FAST], control=True),
        *(proof("pytorch", track="default"), trial("pytorch", 1, CODE, track="default", trial_id="d1")),
        *(learning("pytorch", seed, [0.4, 0.5, 0.9]) for seed in range(3)),
    ]
    return results.read_run(store(settings, bodies))


def cells(page: str, begins: str) -> list[str]:
    """Return the cells of the one table row that begins so."""
    (found,) = (line for line in page.splitlines() if line.startswith(f"| {begins} |"))
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_the_ratio_stands_with_interval_n_p_control_and_verdict(run: RunResults) -> None:
    what, a, b, ratio, interval, control, resolved = cells(docs_benchmarks.page(run), f"training | {KERAS} graph")
    assert (what, a, b, ratio, resolved) == ("training", f"{KERAS} graph", "pytorch eager", "2.00", "yes")
    assert interval.startswith("95 % interval 1.9")
    # Three pairs: 0.00016 three times.
    assert "n = 8, p = 0.00047" in interval
    assert control.endswith("%")


def test_what_is_not_proved_says_why_and_is_in_no_ratio(run: RunResults) -> None:
    page = docs_benchmarks.page(run)
    assert cells(page, "tensorflow graph | matched | stock")[3] == "NO"
    assert "* tensorflow graph, matched, stock: logits differ by 0.85" in page
    assert "| training | tensorflow graph |" not in page


def test_results_learning_bounds_code_and_circumstances_are_on_the_page(run: RunResults) -> None:
    page = docs_benchmarks.page(run)
    assert cells(page, "pytorch eager | 104")[:2] == ["pytorch eager", "104"]
    assert cells(page, "matrix multiply")[4] == "78.2 GFLOP/s"
    assert cells(page, "matched | pytorch eager")[-1] == "3 of 3"
    assert cells(page, "pytorch") == ["pytorch", "19"]
    assert "* **machine**: AMD EPYC" in page
    assert "## Track default, tuning stock (cpu, 2 threads, float32, digits)" in page


def test_what_was_written_by_hand_survives_a_new_run(run: RunResults) -> None:
    first = docs_benchmarks.page(run)
    written = first.replace(docs_benchmarks.END, "The pool\n\nis slow.\n" + docs_benchmarks.END)
    assert written != first
    assert docs_benchmarks.page(run, written) == written


def test_a_page_without_its_markers_is_not_written_over(run: RunResults) -> None:
    with pytest.raises(DlpulseError, match="lacks its markers"):
        docs_benchmarks.page(run, "# All by hand\n")
