"""What `dlpulse bench show` says of stored trials with known values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from bench import results, show
from warehouse.raw import Archive
from warehouse.settings import Settings

FAST = [200.0, 202.0, 204.0, 206.0, 208.0, 210.0, 212.0, 214.0]
SLOW = [value / 2 for value in FAST]


def store(settings: Settings, speeds: dict[str, Sequence[float]]) -> Archive:
    archive = Archive(settings.raw)
    with archive.start("bench", settings.clock) as run:
        for engine, values in speeds.items():
            run.write(f"parity:{engine}", body("parity", engine=engine, proved=True, figures={}))
            for number, value in enumerate(values):
                run.write(f"trial:{engine}", trial(engine, number, value))
    return archive


def trial(engine: str, number: int, value: float) -> bytes:
    speed = {"phase": "training", "metric": "images_per_s", "unit": "images/s", "batch_size": 128, "value": value}
    names = {"device_id": "d", "engine": engine, "framework_id": engine, "track": "matched", "mode": "eager"}
    rest = {"tuning": "stock", "dataset": "digits", "threads": 2, "precision": "float32", "seed": 0, "learned": True}
    started = {"trial_id": f"{engine}-{number}", "started_at": "2026-11-23T12:00:00"}
    return body("trial", **names, **rest, **started, measurements=[speed])


def body(kind: str, **content: Any) -> bytes:
    return json.dumps({"kind": kind, **content}).encode()


def shown(archive: Archive, form: str) -> str:
    text = io.StringIO()
    show.render(results.read_run(archive), form, Console(file=text, width=140))
    return text.getvalue()


def test_eight_launches_give_a_ratio_with_interval_and_p_value(settings: Settings) -> None:
    text = shown(store(settings, {"keras-tensorflow": FAST, "pytorch": SLOW}), "table")
    assert "training, stock: keras-tensorflow runs at 2.00 times pytorch's images/s (95 % interval " in text
    assert "n = 8, Mann-Whitney p = 0.00016)" in text
    assert "207 (204–210) n=8" in text
    assert "pytorch: parity with the float64 reference proved" in text


def test_three_launches_give_the_ratio_and_its_range(settings: Settings) -> None:
    text = shown(
        store(settings, {"keras-tensorflow": [200.0, 210.0, 220.0], "pytorch": [100.0, 105.0, 110.0]}), "table"
    )
    assert "2.00 times pytorch's images/s (range 1.82–2.20, n = 3)" in text


def test_launches_too_far_apart_are_marked_and_never_compared(settings: Settings) -> None:
    text = shown(
        store(settings, {"keras-tensorflow": [100.0, 200.0, 300.0], "pytorch": [100.0, 105.0, 110.0]}), "table"
    )
    assert "200 (150–250) n=3 ?" in text
    assert "times pytorch's" not in text
    assert "training: not compared" in text


def test_csv_json_and_markdown_carry_the_same_results(settings: Settings) -> None:
    archive = store(settings, {"pytorch": SLOW})
    (row,) = json.loads(shown(archive, "json"))
    assert (row["engine"], row["n"], row["median"], row["q1"], row["q3"]) == ("pytorch", 8, 103.5, 101.75, 105.25)
    assert (row["noisy"], row["rankable"], row["parity_proved"]) == (False, True, True)
    (line,) = csv.DictReader(io.StringIO(shown(archive, "csv")))
    assert (line["median"], line["metric"]) == ("103.5", "images_per_s")
    header, _, values = shown(archive, "md").splitlines()
    assert header.split(" | ")[2] == "engine"
    assert values.split(" | ")[2] == "pytorch"
