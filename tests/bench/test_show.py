"""What `dlpulse bench show` says of stored trials with known values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

import pytest
from rich.console import Console

from bench import results, show
from tests.bench.stored_runs import (
    FAST,
    KERAS,
    SLOW,
    Body,
    bounds,
    device,
    learning,
    measurement,
    proof,
    store,
    trial,
    trials,
)
from warehouse.raw import Archive
from warehouse.settings import Settings

PROVED = [device(), proof(KERAS), proof("pytorch")]
TWO = [*PROVED, *trials(KERAS, FAST), *trials("pytorch", SLOW)]


def shown(archive: Archive, form: str = "table", width: int = 140) -> str:
    text = io.StringIO()
    show.render(results.read_run(archive), form, Console(file=text, width=width))
    return text.getvalue()


def report(settings: Settings, bodies: Iterable[Body], width: int = 140) -> str:
    return shown(store(settings, bodies), width=width)


def line_with(text: str, words: str) -> str:
    (found,) = (line for line in text.splitlines() if words in line)
    return found


def test_eight_launches_give_a_ratio_with_interval_and_p_value(settings: Settings) -> None:
    text = report(settings, [*TWO, *trials(KERAS, FAST, control=True)])
    told = line_with(text, "training at batch 128")
    assert told.startswith(
        "training at batch 128: keras-tensorflow graph trains 2.00 times as fast as pytorch eager (95 % interval 1.9"
    )
    assert told.endswith("n = 8, p = 0.00016). Two equal programs (A/A control) may differ by 3.4%.")
    assert "207 (204–210)" in text
    assert "in float32): keras-tensorflow graph matched (stock), pytorch eager matched (stock)" in text


def test_without_a_control_nothing_is_resolved(settings: Settings) -> None:
    told = line_with(report(settings, TWO), "training at batch 128")
    assert "not resolved: keras-tensorflow graph trains 2.00 times as fast" in told
    assert told.endswith("but no A/A control ran beside it.")


def test_p_is_corrected_for_all_pairs_of_the_setting(settings: Settings) -> None:
    others = [*trials("tensorflow", [value * 3 for value in FAST]), *trials(KERAS, FAST, control=True)]
    told = line_with(report(settings, [*TWO, proof("tensorflow"), *others]), "training at batch 128")
    # Three pairs, each with the least p of eight against eight.
    assert "n = 8, p = 0.00047)" in told


def test_two_launches_are_not_compared(settings: Settings) -> None:
    text = report(settings, [*PROVED, *trials(KERAS, FAST[:2]), *trials("pytorch", SLOW[:2])])
    assert "not compared: keras-tensorflow graph, pytorch eager (fewer than 3 launches)" in text


def test_three_launches_give_the_ratio_and_its_range_and_no_interval(settings: Settings) -> None:
    bodies = [*PROVED, *trials(KERAS, [200.0, 210.0, 220.0]), *trials("pytorch", [100.0, 105.0, 110.0])]
    told = "keras-tensorflow graph trains 2.00 times as fast as pytorch eager (range 1.82–2.20, n = 3; 8 launches would"
    assert f"not resolved: {told}" in report(settings, bodies)
    text = shown(store(settings, [*bodies, *trials(KERAS, [200.0, 210.0, 220.0], control=True)], hour=13))
    assert f"128: {told} give an interval)" in text


def test_a_difference_within_the_control_s_is_not_resolved(settings: Settings) -> None:
    bodies = [*PROVED, *trials(KERAS, FAST), *trials("pytorch", [value * 1.05 for value in FAST])]
    twice = trials(KERAS, [value * 1.06 for value in FAST], control=True)
    told = line_with(report(settings, [*bodies, *twice]), "training at batch 128")
    assert "not resolved: pytorch eager trains 1.05 times as fast as keras-tensorflow graph" in told
    assert "but two equal programs (A/A control) may differ by " in told


def test_launches_too_far_apart_are_marked_come_last_and_are_never_compared(settings: Settings) -> None:
    bodies = [*PROVED, *trials(KERAS, [100.0, 200.0, 300.0]), *trials("pytorch", [100.0, 105.0, 110.0])]
    text = report(settings, bodies)
    assert "200 ? (150–250)" in text
    assert text.index("105 (102–108)") < text.index("200 ? (150–250)")
    assert "times as fast" not in text
    assert "not compared: keras-tensorflow graph (launches differ by 50% (IQR over median)" in text


def test_a_program_that_is_not_proved_is_marked_and_never_compared(settings: Settings) -> None:
    bodies = [device(), proof(KERAS, proved=False), proof("pytorch"), *trials(KERAS, FAST), *trials("pytorch", SLOW)]
    text = report(settings, bodies)
    assert "keras-tensorflow graph !" in text
    assert "NOT PROVED: keras-tensorflow graph matched stock: logits differ by 0.85, at most 1e-12 allowed" in text
    assert "not compared: keras-tensorflow graph (not proved to be the reference network)" in text


def test_the_article_s_two_are_compared_also_where_others_are_faster(settings: Settings) -> None:
    faster = trials("tensorflow", [value * 3 for value in FAST])
    assert "keras-tensorflow graph trains 2.00 times as fast as pytorch eager" in report(
        settings, [*TWO, proof("tensorflow"), *faster]
    )


def test_tracks_and_tunings_have_a_table_each(settings: Settings) -> None:
    tuned = trials("pytorch", FAST, tuning="tuned")
    beginners = trials("pytorch", FAST, track="default")
    text = report(settings, [*TWO, proof("pytorch", track="default"), *tuned, *beginners])
    titles = [line for line in text.splitlines() if line.startswith("Track ")]
    assert titles == [
        "Track default, tuning stock (cpu, 2 threads, float32, digits)",
        "Track matched, tuning stock (cpu, 2 threads, float32, digits)",
        "Track matched, tuning tuned (cpu, 2 threads, float32, digits)",
    ]


def test_share_of_peak_bounds_and_other_batch_sizes_are_told(settings: Settings) -> None:
    sizes = [measurement("images_per_s", 1000.0), measurement("images_per_s", 400.0, batch=32)]
    text = report(settings, [*PROVED, bounds(78.17472e9), *(trial("pytorch", n, sizes) for n in range(3))])
    # 1,000 images/s of 7,817,472 FLOP each are a tenth of 78.17472 GFLOP/s.
    assert line_with(text, "1,000 (1,000–1,000)").split()[-2:] == ["10.0", "3"]
    assert line_with(text, "matrix multiply").split()[-2:] == ["GFLOP/s", "78.2–78.2"]
    assert line_with(text, "plain C, training").split()[-3:] == ["12,700", "images/s", "12,700–12,700"]
    sizes_table = text[text.index("train / infer images/s") :]
    assert line_with(sizes_table, "pytorch eager  ").split()[-1] == "400"


def test_a_bound_measured_twice_is_one_line_of_the_larger(settings: Settings) -> None:
    twice = [bounds(90e9), bounds(78e9), bounds(50e9, threads=1)]
    text = report(settings, [*PROVED, *twice, *trials("pytorch", SLOW)])
    found = [line.split()[-2:] for line in text.splitlines() if line.startswith("matrix multiply")]
    assert found == [["GFLOP/s", "50.0–50.0"], ["GFLOP/s", "90.0–90.0"]]
    assert sum(line.startswith("plain C, training") for line in text.splitlines()) == 2


def test_xla_that_keras_took_by_itself_is_told_beside_a_mode_that_is_called_graph(settings: Settings) -> None:
    told = {"versions": {"keras": "3.15.1"}, "jit_compile": True}
    alone = {**told, "jit_compile": False}
    bodies = [
        *trials(KERAS, FAST, track="default", device="cuda", in_force=told),
        *trials(KERAS, FAST, device="cuda", in_force=alone),
        *trials("keras-jax", FAST, track="default", device="cuda", in_force=told),
    ]
    line = "compiled unasked: keras-tensorflow graph on track default"
    assert line_with(report(settings, [*PROVED, *bodies]), "compiled unasked") == line


def test_where_nothing_compiled_unasked_nothing_is_told_of_it(settings: Settings) -> None:
    assert "compiled unasked" not in report(settings, TWO)


def test_learning_tells_accuracy_and_time_to_the_target_of_all(settings: Settings) -> None:
    curves = [learning(KERAS, seed, [0.5, 0.8, 0.9]) for seed in range(3)]
    slower = [learning("pytorch", seed, [0.4, 0.5, 0.92]) for seed in range(3)]
    text = report(settings, [*TWO, *curves, *slower])
    words = line_with(text, "matched keras-tensorflow graph digits").split()
    assert words[4:] == ["0.900", "0.90", "30.0", "(30.0–30.0)", "3", "3", "of", "3"]
    assert line_with(text, "matched pytorch eager").split()[4:6] == ["0.920", "0.90"]


def test_circumstances_stand_under_the_tables(settings: Settings) -> None:
    busy = trials("pytorch", SLOW, tuning="tuned", load_average=[5.0, 1.0, 1.0], environment={"MALLOC_TOP_PAD_": "1"})
    text = report(settings, [*TWO, *busy])
    assert line_with(text, "machine:") == "machine: AMD EPYC (family-model-stepping 25-1-1); 2 cores, 23.5 GiB; no GPU"
    assert line_with(text, "CPU flags") == "CPU flags that matter: avx, avx2, fma"
    assert "libraries: keras-tensorflow: keras 3.15.1, tensorflow 2.21.0; pytorch: torch 2.13.0+cpu" in text
    assert line_with(text, "git commit").endswith("git commit aaaaaaaaaaaa")
    assert "load: 0.3 to 5.0 in the last minute of each trial, on 2 cores: others were at work" in text
    assert "variables, stock: OMP_WAIT_POLICY=PASSIVE" in text
    assert "variables, tuned: MALLOC_TOP_PAD_=1" in text


@pytest.mark.parametrize(
    ("loads", "before", "threads", "disturbed"),
    [
        ([2.4] * 8, 0.1, 2, False),
        ([2.6] * 8, 0.1, 2, True),
        ([1.6] * 8, 0.1, 1, True),
        ([9.0] + [1.0] * 7, 0.1, 2, False),
        ([9.0] * 2 + [1.0] * 6, 0.1, 2, True),
        ([1.0] * 8, 0.6, 2, True),
    ],
)
def test_others_are_seen_by_the_load_beyond_the_trials_own_threads_and_by_that_before(
    settings: Settings, loads: list[float], before: float, threads: int, disturbed: bool
) -> None:
    bodies = [
        trial("pytorch", number, [measurement("images_per_s", 100.0)], load_average=[load, 0, 0], threads=threads)
        for number, load in enumerate(loads)
    ]
    told = line_with(report(settings, [device(load_average=[before, 0, 0]), proof("pytorch"), *bodies]), "load: ")
    assert f"on 2 cores, {before} before the first" in told
    assert ("others were at work" in told) is disturbed


def test_the_cores_that_each_program_had_in_use_are_told(settings: Settings) -> None:
    used = [measurement("images_per_s", 100.0), measurement("cores_used", 1.87)]
    text = report(settings, [*PROVED, *(trial("pytorch", number, used) for number in range(3))])
    assert line_with(text, "100 (100–100)").split()[-2:] == ["1.87", "3"]


def test_on_an_accelerator_the_launch_bound_note_is_told(settings: Settings) -> None:
    bodies = [*PROVED, *trials("pytorch", SLOW, device="cuda")]
    assert "5.8 ms of an H100's peak" in report(settings, bodies)


def test_on_the_cpu_the_launch_bound_note_is_not_told(settings: Settings) -> None:
    assert "launch-bound" not in report(settings, TWO)


def test_a_trial_that_failed_is_told(settings: Settings) -> None:
    failed = trial("pytorch", 9, [], error="pytorch: worker failed with exit code 1")
    assert "no result: pytorch: worker failed with exit code 1" in report(settings, [*TWO, failed])


@pytest.mark.parametrize("width", [80, 140])
def test_no_table_is_wider_than_the_terminal_or_cut(settings: Settings, width: int) -> None:
    phases = {"first_step_s": ("setup", 128), "rss_mib": ("setup", 128), "latency_p50_ms": ("inference", 1)}
    more = [measurement(name, 1234.5, phase=phase, batch=size) for name, (phase, size) in phases.items()]
    speeds = [[measurement("images_per_s", 12_345.0 * step), *more] for step in (1.0, 1.05, 1.1)]
    bodies = [trial(KERAS, number, told) for number, told in enumerate(speeds)]
    text = report(settings, [*PROVED, *bodies, learning(KERAS, 0, [0.5, 0.9])], width)
    table = text[: text.index("proved to be")].splitlines()
    assert max(len(line) for line in table if "training at" not in line) <= width
    assert "…" not in text
    assert "12,654–13,271" in text


def test_runs_from_before_modes_and_controls_are_still_shown(settings: Settings) -> None:
    names = ("trial_kind", "batch_sizes", "control", "stack", "device", "in_force", "environment", "load_average")
    landed = [
        {name: value for name, value in one.items() if name not in names}
        for engine, speeds in ((KERAS, FAST), ("pytorch", SLOW))
        for one in trials(engine, speeds, mode="eager")
    ]
    proofs = [
        {name: value for name, value in one.items() if name not in ("mode", "track", "faults")}
        for one in (proof(KERAS), proof("pytorch"))
    ]
    text = report(settings, [device(), *proofs, *landed])
    assert "keras-tensorflow eager trains 2.00 times as fast as pytorch eager (95 % interval" in text


def test_csv_json_and_markdown_carry_the_same_results(settings: Settings) -> None:
    archive = store(settings, [*PROVED, *trials("pytorch", SLOW)])
    (row,) = json.loads(shown(archive, "json"))
    assert (row["engine"], row["n"], row["median"], row["q1"], row["q3"]) == ("pytorch", 8, 103.5, 101.75, 105.25)
    assert (row["noisy"], row["rankable"], row["parity_proved"]) == (False, True, True)
    assert (row["mode"], row["versions"], row["stack"], row["device"]) == ("eager", "torch 2.13.0+cpu", "", "cpu")
    (line,) = csv.DictReader(io.StringIO(shown(archive, "csv")))
    assert (line["median"], line["metric"]) == ("103.5", "images_per_s")
    header, _, values = shown(archive, "md").splitlines()
    assert values.split(" | ")[header.split(" | ").index("engine")] == "pytorch"
