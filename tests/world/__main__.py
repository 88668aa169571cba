"""Serves the world as a process: `python -m tests.world --port 0 --now 2026-11-23T10:00:00` prints its address."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.world.server import RECORDED_AT, World
from warehouse.settings import parse_instant

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--now", type=parse_instant, default=RECORDED_AT)
    options.add_argument("--data", type=Path, default=SHARED)
    chosen = options.parse_args()
    world = World(chosen.data, chosen.now, chosen.port)
    print(world.address, flush=True)
    world.serve()
