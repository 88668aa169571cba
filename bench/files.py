"""The files that a run's workers find: data sets, whole or in part, and where the bounds' programs are built."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bench import data
from bench.wanted import SAMPLE

PROVING_DATASET = "digits"
"""What proofs are made on: small, always there, and without the flat areas whose max-pool winners are a toss-up."""


@dataclass(frozen=True)
class Files:
    """Where the workers find things: the whole data set, a part that throughput trials need, the proofs' data set."""

    folder: Path
    whole: Path
    sample: Path
    proving: Path
    proving_sha256: str
    bounds: Path


def write_files(folder: Path, loaded: data.Dataset, bounds: Path) -> Files:
    """Write the data sets for the workers; of a large one, throughput trials need only the beginning."""
    train, test = SAMPLE
    proving = loaded if loaded.name == PROVING_DATASET else data.load(PROVING_DATASET)
    sample = loaded
    if len(loaded.train_labels) > train:
        sample = replace(
            loaded,
            train_images=loaded.train_images[:train],
            train_labels=loaded.train_labels[:train],
            test_images=loaded.test_images[:test],
            test_labels=loaded.test_labels[:test],
        )
    paths: dict[str, tuple[Path, data.Dataset]] = {}
    for name, dataset in (("whole", loaded), ("sample", sample), ("proving", proving)):
        same = next((path for path, other in paths.values() if other is dataset), None)
        paths[name] = same or folder / f"{name}.npz", dataset
        if same is None:
            dataset.save(paths[name][0])
    bounds.mkdir(parents=True, exist_ok=True)
    whole, part, proved = (path for path, _ in paths.values())
    return Files(folder, whole, part, proved, proving.sha256, bounds)
