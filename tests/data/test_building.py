"""Builds that are killed, that run twice at once, that meet more pixels than memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.images import stored, table_of, write_images
from vesalius.data import building, decoding, pool, readers, store
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable

fork = multiprocessing.get_context("fork")


def _slow_build(table: SampleTable, cache: Path, log: Path) -> None:
    """Build with frequent commits and slow decoding; one byte in ``log`` for each decoded image."""
    read = readers.read

    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(0.004)
        with open(log, "ab") as file:
            file.write(b".")
        return read(*arguments, **options)

    readers.read = slow
    pool.COMMIT_SECONDS = 0.02
    store.build(table, cache=cache, threads=2)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[SampleTable, list[Any]]:
    folder = tmp_path_factory.mktemp("images")
    made = write_images(folder, 150)
    return table_of(folder, list(made)), list(made.values())


def test_killed_at_many_moments(images: tuple[SampleTable, list[Any]], tmp_path: Path) -> None:
    table, pixels = images
    cache, log = tmp_path / "cache", tmp_path / "log"
    kills = 0
    for wait in (0.0, 0.02, 0.05, 0.03, 0.11, 0.07, 0.01, 0.04):
        builder = fork.Process(target=_slow_build, args=(table, cache, log))
        builder.start()
        deadline = time.monotonic() + 20
        before = log.stat().st_size if log.exists() else 0
        while builder.is_alive() and (log.stat().st_size if log.exists() else 0) == before:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(wait)
        kills += builder.is_alive()
        assert builder.pid is not None
        os.kill(builder.pid, signal.SIGKILL)
        builder.join()
        for info in store.inspect(cache):  # whatever the kill left, what can be opened is right
            rows = pool.Pool(info.folder).load().rows
            there = np.isin(table.ids, rows["id"][rows["reason"] < 0])
            opened = store.open(table.subset(there), cache=cache)
            assert all(np.array_equal(a, pixels[i]) for a, i in zip(stored(opened), np.flatnonzero(there), strict=True))
    assert kills >= 4
    before = log.stat().st_size
    built = store.build(table, cache=cache)
    assert all(np.array_equal(a, b) for a, b in zip(stored(built), pixels, strict=True))
    fresh = store.build(table, cache=tmp_path / "fresh")
    assert np.array_equal(built.digests, fresh.digests)
    assert before < 150 + kills * 60, "what killed builds had committed was decoded again"
    assert sum(f.stat().st_size for f in built.folder.glob("pixels-*.bin")) == built.nbytes, "garbage was kept"


def test_what_a_killed_build_committed_is_used(
    images: tuple[SampleTable, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, pixels = images
    cache, log = tmp_path / "cache", tmp_path / "log"
    builder = fork.Process(target=_slow_build, args=(table, cache, log))
    builder.start()
    while not (log.exists() and log.stat().st_size > 100):
        time.sleep(0.002)
    assert builder.pid is not None
    os.kill(builder.pid, signal.SIGKILL)
    builder.join()
    calls: list[int] = []
    read = readers.read
    monkeypatch.setattr(readers, "read", lambda *a, **k: (calls.append(1), read(*a, **k))[1])
    built = store.build(table, cache=cache)
    assert 0 < len(calls) < 100
    assert all(np.array_equal(a, b) for a, b in zip(stored(built), pixels, strict=True))


def test_three_processes_decode_each_image_once(images: tuple[SampleTable, list[Any]], tmp_path: Path) -> None:
    table, pixels = images
    builders = [fork.Process(target=_slow_build, args=(table, tmp_path / "cache", tmp_path / "log")) for _ in range(3)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
        assert builder.exitcode == 0
    assert (tmp_path / "log").stat().st_size == 150
    opened = store.open(table, cache=tmp_path / "cache")
    assert all(np.array_equal(a, b) for a, b in zip(stored(opened), pixels, strict=True))


def test_interrupted_by_the_user_keeps_what_was_decoded(
    images: tuple[SampleTable, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, _ = images
    monkeypatch.setattr(building, "_SHOW_SECONDS", 0.0)

    def stop(done: int, _: int) -> None:
        if done >= 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.build(table, StoreSettings(), stop, cache=tmp_path)
    (info,) = store.inspect(tmp_path)
    assert 45 <= info.records <= 50


def test_a_decoder_that_fails_unexpectedly_is_not_swallowed(
    images: tuple[SampleTable, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(decoding, "reduced", broken)
    with pytest.raises(ZeroDivisionError):
        store.build(images[0], cache=tmp_path)
    monkeypatch.undo()
    assert len(store.build(images[0], cache=tmp_path)) == 150


LARGER = """
import resource, sys
import numpy as np, torch
from pathlib import Path
from vesalius.data import store
from vesalius.data.table import SampleTable
torch.set_num_threads(1)
folder = Path(sys.argv[1])
images = np.memmap(folder / "images", np.uint8, "r", shape=(192, 1024, 1024))
table = SampleTable.of("large", folder, ["images"] * 192, frames=range(192), container=lambda _: images)
store.Sources.of(table)
used = int(next(l for l in open("/proc/self/status") if l.startswith("VmData")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + (96 << 20), -1))
try:
    np.ones(120 << 20, np.uint8)
    sys.exit("the limit on memory does not work here")
except MemoryError:
    pass
built = store.build(table, cache=folder / "cache", threads=2)
rows = np.arange(4)[:, None]
total = 0
for start in range(0, 192, 4):
    windows = np.tile(np.array([[0, 0], [1024, 1024]]), (4, 1, 1, 1))
    total += int(built.read(rows + start, windows).data.sum())
print(len(built), total)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux: limits the process's memory")
def test_a_store_larger_than_memory(tmp_path: Path) -> None:
    """192 MB are stored and read by a process that may allocate 96 MB."""
    block = np.random.default_rng(0).integers(0, 256, (16, 1024, 1024), dtype=np.uint8)
    with open(tmp_path / "images", "wb") as file:
        for number in range(12):
            (block + np.uint8(number)).tofile(file)
    expected = sum(int((block + np.uint8(number)).sum(dtype=np.int64)) for number in range(12))
    ran = subprocess.run(
        [sys.executable, "-c", LARGER, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["192", str(expected)]
