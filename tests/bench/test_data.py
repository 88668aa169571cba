"""The data sets: downloads from a real server on this machine, with everything that goes wrong on the way; formats."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from bench import data
from bench.downloads import CIFAR10, FASHION_MNIST, FASHION_MNIST_PACKAGED, Remote, fetch, gunzip, members
from warehouse.errors import BadInputError, DlpulseError

CONTENT = bytes(range(256)) * 40
FILE = Remote("data.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@dataclass
class Publisher:
    """A file server on this machine. `stop_after` bytes it hangs up, until told otherwise; `ranges` it may ignore."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    stop_after: int | None = None
    ranges: bool = True
    tells_length: bool = True
    asked: list[str | None] = field(default_factory=list)
    """The Range header of each request."""


def handler(publisher: Publisher) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            publisher.asked.append(wanted)
            content = publisher.files.get(self.path.removeprefix("/"))
            if content is None or publisher.status != 200:
                return self.send_error(404 if content is None else publisher.status)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and publisher.ranges else 0
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if publisher.tells_length:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(content[start : publisher.stop_after])

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher(files={FILE.name: CONTENT})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(publisher))
    publisher.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield publisher
    server.shutdown()
    server.server_close()


def names(folder: Path) -> list[str]:
    """What lies in the folder, locks left out."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def tar_gz(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def test_a_file_with_the_right_hash_is_kept_and_asked_for_once(publisher: Publisher, tmp_path: Path) -> None:
    fetch(FILE, publisher.address, tmp_path)
    path = fetch(FILE, publisher.address, tmp_path)
    assert path.read_bytes() == CONTENT
    assert (names(tmp_path), publisher.asked) == (["data.bin"], [None])


def test_a_file_with_a_wrong_hash_is_refused_and_nothing_of_it_kept(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files[FILE.name] = CONTENT[:-1] + b"!"
    with pytest.raises(DlpulseError, match=r"data\.bin could not be had from 127\.0\.0\.1: its hash is not"):
        fetch(FILE, publisher.address, tmp_path)
    assert names(tmp_path) == []


def test_a_download_cut_off_goes_on_where_it_stopped(publisher: Publisher, tmp_path: Path) -> None:
    publisher.stop_after = 4000
    with pytest.raises(DlpulseError, match="cut off after 4,000 of 10,240 bytes, which are kept"):
        fetch(FILE, publisher.address, tmp_path)
    publisher.stop_after = None
    assert fetch(FILE, publisher.address, tmp_path).read_bytes() == CONTENT
    assert (names(tmp_path), publisher.asked) == (["data.bin"], [None, "bytes=4000-"])


def test_a_server_without_ranges_sends_all_anew(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "data.bin.part").write_bytes(b"something old")
    publisher.ranges = False
    assert fetch(FILE, publisher.address, tmp_path).read_bytes() == CONTENT
    assert publisher.asked == ["bytes=13-"]


def test_a_false_beginning_is_thrown_away_with_the_rest(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "data.bin.part").write_bytes(b"something else")
    with pytest.raises(DlpulseError, match="its hash is not the published one"):
        fetch(FILE, publisher.address, tmp_path)
    assert fetch(FILE, publisher.address, tmp_path).read_bytes() == CONTENT


def test_a_damaged_file_in_the_cache_is_fetched_anew(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / FILE.name).write_bytes(b"x" * FILE.size)
    assert fetch(FILE, publisher.address, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_refusal_is_one_line_with_its_status(publisher: Publisher, tmp_path: Path, status: int) -> None:
    publisher.status = status
    with pytest.raises(DlpulseError, match=f"could not be had from 127.0.0.1: HTTP {status} .*; or put the file into"):
        fetch(FILE, publisher.address, tmp_path)
    assert names(tmp_path) == []


def test_a_web_page_in_place_of_the_file_is_refused_by_its_length(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files[FILE.name] = b"<html>please log in</html>"
    with pytest.raises(DlpulseError, match="26 bytes were offered, 10,240 expected"):
        fetch(FILE, publisher.address, tmp_path)
    assert names(tmp_path) == []


def test_a_file_without_end_is_given_up_at_the_published_size(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files[FILE.name], publisher.tells_length = CONTENT * 1000, False
    with pytest.raises(DlpulseError, match="longer than the published 10,240 bytes"):
        fetch(FILE, publisher.address, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DlpulseError, match=r"could not be had from 127\.0\.0\.1: .*Connection refused"):
        fetch(FILE, "http://127.0.0.1:9", tmp_path)


def test_a_folder_that_cannot_be_is_one_line(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DlpulseError, match=r"data\.bin cannot be kept in .*taken"):
        fetch(FILE, publisher.address, tmp_path / "taken")


def test_the_size_is_told_before_the_download(
    publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    big = b"0" * 3 * 2**20
    publisher.files["big"] = big
    fetch(Remote("big", len(big), hashlib.sha256(big).hexdigest()), publisher.address, tmp_path)
    assert capsys.readouterr() == ("", "fetching big (3.0 MiB) from 127.0.0.1\n")


def test_a_gzip_bomb_is_given_up_at_the_bound(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.gz"
    bomb.write_bytes(gzip.compress(b"\0" * 50_000_000))
    with pytest.raises(DlpulseError, match=r"bomb\.gz unpacks to more than the 1,000 bytes"):
        gunzip(bomb, 1000)


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (gzip.compress(CONTENT)[:-9], "it ends too early"),
        (b"no gzip at all", "incorrect header check"),
        (b"", "it ends too early"),
        (gzip.compress(CONTENT)[:-8] + b"\0" * 8, "incorrect data check"),
    ],
)
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, packed: bytes, message: str) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(packed)
    with pytest.raises(DlpulseError, match=rf"x\.gz is damaged: .*{message}"):
        gunzip(path, len(CONTENT))


def test_content_of_just_the_bound_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(CONTENT))
    assert gunzip(path, len(CONTENT)) == CONTENT


def test_files_of_an_archive_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(tar_gz({"a/two": b"22", "a/readme": b"hello", "a/one": b"11"}))
    assert members(path, ["a/one", "a/two"], size=2, most=20_000) == [b"11", b"22"]


def test_an_archive_that_climbs_out_of_its_folder_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    path = folder / "x.tar.gz"
    path.write_bytes(tar_gz({"../../evil": b"!", str(tmp_path / "worse"): b"!", "a/one": b"11"}))
    assert members(path, ["a/one"], size=2, most=20_000) == [b"11"]
    assert [found.name for found in tmp_path.rglob("*") if found.is_file()] == ["x.tar.gz"]


def test_an_archive_without_its_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(tar_gz({"../a/one": b"11", "a/two": b"2"}))
    with pytest.raises(DlpulseError, match=r"x\.tar\.gz is not the expected archive: a/one is missing"):
        members(path, ["a/one"], size=2, most=20_000)
    with pytest.raises(DlpulseError, match="a/two is no file of 2 bytes"):
        members(path, ["a/two"], size=2, most=20_000)


def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        link = tarfile.TarInfo("a/one")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    path = tmp_path / "x.tar.gz"
    path.write_bytes(packed.getvalue())
    with pytest.raises(DlpulseError, match="a/one is no file of 2 bytes"):
        members(path, ["a/one"], size=2, most=20_000)


def test_an_idx_file_is_read_in_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3]) + bytes(range(6))))
    assert data.read_idx(path, (2, 1, 3)).tolist() == [[[0, 1, 2]], [[3, 4, 5]]]


@pytest.mark.parametrize("shape", [(2, 3, 1), (1, 1, 3), (6,)])
def test_an_idx_file_of_another_shape_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3]) + bytes(range(6))))
    with pytest.raises(DlpulseError, match=r"images\.gz (is no IDX file|unpacks to more)"):
        data.read_idx(path, shape)


def test_grey_images_get_a_dark_border_and_three_equal_channels() -> None:
    images = data.grey_images(np.full((1, 28, 28), 255, np.uint8))
    assert (images.shape, images.dtype) == ((1, 32, 32, 3), np.float32)
    assert images[0, 2:30, 2:30].min() == 1.0
    assert images.sum() == 28 * 28 * 3


def test_cifar_records_are_a_label_then_three_planes() -> None:
    planes = np.arange(3072) % 256
    found, labels = data.read_records(bytes([7, *planes, 9, *planes]))
    images = data.colour_images(found)
    assert labels.tolist() == [7, 9]
    assert (images.shape, images.dtype) == ((2, 32, 32, 3), np.float32)
    expected = np.array([planes[32 * 5 + 6], planes[1024 + 32 * 5 + 6], planes[2048 + 32 * 5 + 6]]) / 255
    np.testing.assert_allclose(images[1, 5, 6], expected, rtol=1e-6)


def test_cifar10_comes_out_of_its_archive_by_hash(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = np.zeros((10_000, 3073), np.uint8)
    record[:, 0] = np.arange(10_000) % 10
    parts = {f"cifar-10-batches-bin/data_batch_{number}.bin": record.tobytes() for number in range(1, 6)}
    record[:, 1:] = 255
    packed = tar_gz({**parts, "cifar-10-batches-bin/test_batch.bin": record.tobytes()})
    publisher.files[CIFAR10.name] = packed
    remote = Remote(CIFAR10.name, len(packed), hashlib.sha256(packed).hexdigest())
    monkeypatch.setattr("bench.downloads.CIFAR10", remote)
    found = data.load("cifar10", cache=tmp_path, limit=30, address=publisher.address)
    assert (found.name, found.train_images.shape, found.test_images.shape) == (
        "cifar10-30",
        (30, 32, 32, 3),
        (10_000, 32, 32, 3),
    )
    assert (found.train_images.max(), found.test_images.min()) == (0.0, 1.0)
    assert found.train_labels[:11].tolist() == [*range(10), 0]
    assert names(tmp_path / "cifar10") == [CIFAR10.name]


def test_another_cifar10_than_the_published_is_refused(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files[CIFAR10.name], publisher.tells_length = b"short", False
    with pytest.raises(
        DlpulseError, match=r"cifar-10-binary\.tar\.gz could not be had .* cut off after 5 of 170,052,171"
    ):
        data.load("cifar10", cache=tmp_path, address=publisher.address)


def test_fashion_mnist_is_asked_for_at_the_given_address(publisher: Publisher, tmp_path: Path) -> None:
    with pytest.raises(DlpulseError, match=r"train-images-idx3-ubyte\.gz could not be had .* HTTP 404"):
        data.load("fashion-mnist", cache=tmp_path, address=publisher.address)


def test_the_published_fashion_mnist_files_are_named_with_size_and_hash() -> None:
    assert {remote.name: remote.size for remote in FASHION_MNIST} == {
        "train-images-idx3-ubyte.gz": 26_421_880,
        "train-labels-idx1-ubyte.gz": 29_515,
        "t10k-images-idx3-ubyte.gz": 4_422_102,
        "t10k-labels-idx1-ubyte.gz": 5_148,
    }
    assert all(len(remote.sha256) == 64 for remote in (*FASHION_MNIST, CIFAR10))


@pytest.mark.skipif(not FASHION_MNIST_PACKAGED.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist_is_read_where_it_is_installed(tmp_path: Path) -> None:
    found = data.load("fashion-mnist", cache=tmp_path, limit=1000)
    assert (found.name, found.train_images.shape) == ("fashion-mnist-1000", (1000, 32, 32, 3))
    assert np.bincount(found.test_labels).tolist() == [1000] * 10
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_data_set_is_told_with_the_nearest() -> None:
    with pytest.raises(BadInputError, match="unknown data set 'fashion_mnist'; did you mean fashion-mnist"):
        data.load("fashion_mnist")


def test_a_limited_data_set_has_a_name_and_hash_of_its_own(digits: data.Dataset) -> None:
    few = data.load("digits", limit=100)
    assert (few.name, len(few.train_labels), len(few.test_labels)) == ("digits-100", 100, 360)
    assert few.sha256 != digits.sha256
    assert np.array_equal(few.train_images, digits.train_images[:100])


def test_a_limit_beyond_the_data_changes_nothing(digits: data.Dataset) -> None:
    assert data.load("digits", limit=1437).name == "digits"


@pytest.mark.parametrize("limit", [0, -5])
def test_a_limit_without_images_is_refused(limit: int) -> None:
    with pytest.raises(BadInputError, match=f"limited to {limit} images"):
        data.load("digits", limit=limit)


def test_what_is_saved_for_a_worker_is_read_back_whole(tmp_path: Path) -> None:
    few = data.load("digits", limit=50)
    few.save(tmp_path / "data.npz")
    back = data.read(tmp_path / "data.npz")
    assert (back.name, back.learnable, back.sha256) == ("digits-50", True, few.sha256)


def test_reading_a_workers_data_needs_numpy_only() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, bench.data; print(*sorted({m.partition('.')[0] for m in sys.modules}))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"rich", "platformdirs", "filelock", "sklearn", "scipy", "urllib3", "requests"} & set(told)
