"""Takes the README's pictures: the real dashboard over real figures. `python -m tests.docs_pictures RAW`.

RAW is a raw archive with a benchmark of this machine; the other figures are those of docs/queries.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from PIL import Image

from tests.conftest import ROOT
from tests.dashboards.browsing import Visit, chromium_path, serving, started
from tests.docs_queries import SHARED, build_home

# What is taken of each page: its address, and the height in pixels.
PICTURES = {
    "overview": ("", 1150),
    "stars": ("stars", 1120),
    "benchmarks": ("benchmarks", 1000),
}
WIDTH = 1440


def main() -> None:
    """Write docs/<name>.png for each."""
    parser = argparse.ArgumentParser(description="Take the README's pictures.")
    parser.add_argument("raw", type=Path, metavar="RAW", help="a raw archive with a benchmark")
    given = parser.parse_args()
    chromium = chromium_path()
    if chromium is None:
        raise SystemExit("Chromium is not installed: apt-get install chromium, or name it in DLPULSE_CHROMIUM")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        build_home(SHARED, home, given.raw)
        with serving(home) as address, started(chromium) as browser:
            for name, (path, height) in PICTURES.items():
                visit = Visit(browser, address, WIDTH)
                visit.open(path)
                visit.page.set_viewport_size({"width": WIDTH, "height": height})
                visit.settle()
                visit.page.wait_for_timeout(1_000)
                file = ROOT / "docs" / f"{name}.png"
                visit.page.screenshot(path=file)
                visit.assert_well()
                # A page of few colours: a palette takes a third of the bytes.
                Image.open(file).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
                print(f"wrote docs/{name}.png, {file.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
