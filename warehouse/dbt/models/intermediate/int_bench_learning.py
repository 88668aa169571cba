"""What each engine's seeds learnt in how long: the target of all engines compared, and the time to it."""

import pyarrow as pa

from warehouse.summaries import learnt

KEYS = [
    "run_id", "device_id", "device", "engine", "framework_id", "track", "mode", "tuning", "dataset",
    "batch_size", "threads", "precision", "versions", "stack",
]  # fmt: skip


def model(dbt, session):
    dbt.config(materialized="fresh_table")
    wanted = ", ".join([*KEYS, "trial_id", "epoch", "train_s", "accuracy"])
    epochs = dbt.ref("stg_bench__epochs").filter("not control").project(wanted).to_arrow_table()
    schema = pa.schema(
        [
            *[epochs.schema.field(name) for name in KEYS],
            ("seeds", pa.int64()),
            ("reached", pa.int64()),
            *[(name, pa.float64()) for name in ("target_accuracy", "time_to_accuracy_s", "low", "high")],
            ("epochs_to_accuracy", pa.float64()),
            ("final_accuracy", pa.float64()),
            ("times", pa.list_(pa.float64())),
        ]
    )
    return pa.Table.from_pylist(learnt(epochs.to_pylist(), KEYS), schema=schema)
