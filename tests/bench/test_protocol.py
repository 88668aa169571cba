"""What a run plans: who is compared, controls, rounds, stages, and how long it is expected to take."""

from __future__ import annotations

import json
import random
from dataclasses import replace

from bench.progress import Pace, told, words
from bench.protocol import FULL, QUICK, STANDARD, Conditions, Contestant, Field, Plan, Planned, Protocol, groups, plan

KERAS, TORCH, LAST = Field("keras-tensorflow", "graph"), Field("pytorch", "eager"), Field("pytorch", "channels_last")
JAX = Field("jax", "compiled")
CONDITIONS = Conditions(seed=7, threads=2, precision="float32", device="cpu", dataset="digits", data_sha256="d")
TINY = Protocol("tiny", launches=2, blocks=2, block_s=0.02, tunings=("stock",))


def planned(fields: list[Field], protocol: Protocol, seed: int = 1) -> Plan:
    return plan(fields, protocol, CONDITIONS, random.Random(seed))


def test_every_comparison_has_the_control_of_its_first_contestant() -> None:
    found = groups([TORCH, KERAS], replace(TINY, tunings=("stock", "tuned")))
    assert [[(one.engine, one.control) for one in group] for group in found] == [
        [("pytorch", False), ("keras-tensorflow", False), ("pytorch", True)]
    ] * 4
    assert [(group[0].track, group[0].tuning) for group in found] == [
        ("default", "stock"),
        ("default", "tuned"),
        ("matched", "stock"),
        ("matched", "tuned"),
    ]


def test_who_is_alone_has_no_control() -> None:
    assert groups([TORCH], replace(TINY, tracks=("matched",))) == [[Contestant("pytorch", "eager", "matched", "stock")]]


def test_the_default_track_has_only_tutorials_in_their_first_mode() -> None:
    default, matched = groups([KERAS, TORCH, LAST, JAX], TINY)
    assert {(one.engine, one.mode) for one in default} == {KERAS[:2], TORCH[:2]}
    assert {(one.engine, one.mode) for one in matched} == {KERAS[:2], TORCH[:2], LAST[:2], JAX[:2]}


def test_every_round_has_each_contestant_once_in_an_order_that_chance_decides() -> None:
    protocol = replace(TINY, launches=20, tunings=("stock", "tuned"))
    (stage,) = planned([KERAS, TORCH], protocol).stages
    rounds = [[trial.contestant for trial in stage[start : start + 12]] for start in range(0, 240, 12)]
    assert all(len(set(one)) == 12 for one in rounds)
    assert [trial.launch for trial in stage] == [launch for launch in range(1, 21) for _ in range(12)]
    assert len({tuple(one) for one in rounds}) == 20
    assert planned([KERAS, TORCH], protocol).stages == [stage]
    assert planned([KERAS, TORCH], protocol, seed=2).stages != [stage]


def test_quick_measures_the_default_track_whole_in_stock_before_tuned_begins() -> None:
    stages = planned([TORCH, KERAS], QUICK).stages
    assert [{trial.contestant.tuning for trial in stage} for stage in stages] == [{"stock"}, {"tuned"}]
    assert [len(stage) for stage in stages] == [9, 9]
    assert {trial.contestant.track for stage in stages for trial in stage} == {"default"}


def test_a_budget_plans_three_launches_of_each_in_stages_and_fills_the_rest() -> None:
    protocol = STANDARD.within(300.0)
    stages = planned([TORCH, KERAS], protocol).stages
    assert (protocol.budget_s, protocol.fill) == (300.0, True)
    assert [(stage[0].contestant.track, stage[0].contestant.tuning, len(stage)) for stage in stages] == [
        ("default", "stock", 9),
        ("default", "tuned", 9),
        ("matched", "stock", 9),
        ("matched", "tuned", 9),
    ]


def test_learning_trials_come_last_with_a_seed_for_each_launch_and_no_control() -> None:
    *_, last = planned([KERAS, LAST, TORCH], replace(FULL, learning_seeds=3)).stages
    assert {trial.contestant.kind for trial in last} == {"learning"}
    assert sorted({trial.seed for trial in last}) == [7, 8, 9]
    assert len(last) == 3 * 4  # two engines in their first mode, two tracks
    assert not any(trial.contestant.control for trial in last)


def test_a_job_carries_the_runs_conditions_and_a_learning_job_one_batch_size() -> None:
    trials = planned([TORCH], replace(FULL, learning_seeds=1, tracks=("matched",))).trials
    jobs = [trial.job(FULL, CONDITIONS) for trial in trials]
    throughput, learning = jobs[0], jobs[-1]
    assert (throughput.threads, throughput.seed, throughput.batch_sizes) == (2, 7, (128, 1, 32, 512))
    assert (learning.kind, learning.batch_sizes) == ("learning", (128,))


def test_a_plan_comes_back_from_json_as_it_was() -> None:
    before = planned([KERAS, TORCH], FULL)
    assert Plan.from_json(json.loads(json.dumps(before.as_json()))) == before


def test_the_proofs_of_a_plan_are_one_for_each_engine_mode_track_and_tuning() -> None:
    names = [tuple(one) for one in planned([TORCH, LAST], TINY).proofs]
    assert sorted(names) == [
        ("pytorch", "channels_last", "matched", "stock", ""),
        ("pytorch", "eager", "default", "stock", ""),
        ("pytorch", "eager", "matched", "stock", ""),
    ]


def test_the_pace_goes_by_own_launches_then_by_the_engines_then_by_a_guess() -> None:
    pace = Pace(TINY)
    stock, tuned = (Planned(Contestant("pytorch", "eager", "matched", tuning), 1, 0) for tuning in ("stock", "tuned"))
    guess = pace.expected(stock)
    pace.add(stock, 3.0)
    pace.add(stock, 5.0)
    assert guess > 5.0
    assert pace.total([stock, tuned, tuned]) == 12.0
    assert pace.expected(replace(stock, contestant=replace(stock.contestant, engine="jax"))) == guess


def test_the_other_batch_sizes_are_measured_in_the_first_launches_alone() -> None:
    trials = planned([KERAS, TORCH], FULL).trials
    sizes = {trial.launch: trial.batch_sizes(FULL) for trial in trials if trial.contestant.kind == "throughput"}
    assert sizes == {launch: (128, 1, 32, 512) if launch <= 3 else (128,) for launch in range(1, 9)}
    everywhere = replace(FULL, aside_launches=None)
    assert {trial.batch_sizes(everywhere) for trial in trials if trial.contestant.kind == "throughput"} == {
        (128, 1, 32, 512)
    }


def test_a_launch_of_fewer_batch_sizes_has_a_pace_of_its_own() -> None:
    pace = Pace(FULL)
    early, late = (Planned(Contestant("pytorch", "eager", "matched", "stock"), launch, 0) for launch in (1, 4))
    assert pace.expected(late) < pace.expected(early)
    pace.add(early, 2.0)
    assert pace.expected(late) == 2.0  # the guess is longer than even the long ones took
    pace.add(late, 1.0)
    assert (pace.expected(early), pace.expected(late)) == (2.0, 1.0)


def test_durations_are_told_in_the_unit_that_suits_them() -> None:
    assert [words(seconds) for seconds in (8.4, 300, 12_000)] == ["8 s", "5 min", "3 h 20 min"]


def test_a_plan_is_told_with_its_engines_sizes_and_number_of_launches() -> None:
    lines = told(planned([TORCH, KERAS], TINY))
    assert lines[0] in {
        "engines: pytorch eager, keras-tensorflow graph",
        "engines: keras-tensorflow graph, pytorch eager",
    }
    assert lines[1] == (
        "tracks: default, matched; tunings: stock; batch sizes: 128; data: digits, float32; device: cpu; threads: 2"
    )
    assert lines[2].startswith("12 launches, the A/A controls' among them, and 0 learning trials: about ")
