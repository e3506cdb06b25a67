"""Volumes' builds: killed and gone on with, each volume decoded once, never more at a time than the memory holds."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import volumes
from tests.data.volumes.test_volume_store import table_of
from tests.trees import series
from vesalius.data import building, memory, pool, store
from vesalius.data.leakage import overlap
from vesalius.data.plan import Plan
from vesalius.data.references import resolve
from vesalius.data.table import SampleTable
from vesalius.data.volumes import decoding, sizes
from vesalius.errors import UserError

fork = multiprocessing.get_context("fork")
COUNT = 24
PLAN = Plan(spacing=None, foreground="nonzero")


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> SampleTable:
    return table_of(volumes.write_tree(tmp_path_factory.mktemp("heads"), COUNT, side=12), COUNT)


def _slow_build(table: SampleTable, cache: Path, log: Path) -> None:
    """Build with frequent commits and slow decoding; one byte in ``log`` for each decoded volume."""
    read = decoding.read_volume

    def slow(path: Any) -> Any:
        time.sleep(0.02)
        with open(log, "ab") as file:
            file.write(b".")
        return read(path)

    decoding.read_volume = slow
    pool.COMMIT_SECONDS = 0.02
    store.build(table, PLAN, cache=cache, threads=2)


def test_killed_and_gone_on_with(heads: SampleTable, tmp_path: Path) -> None:
    cache, log = tmp_path / "cache", tmp_path / "log"
    log.touch()
    kills = 0
    for wait in (0.0, 0.05, 0.12, 0.03):
        builder = fork.Process(target=_slow_build, args=(heads, cache, log))
        builder.start()
        before, deadline = log.stat().st_size, time.monotonic() + 20
        while builder.is_alive() and log.stat().st_size == before:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(wait)
        kills += builder.is_alive()
        assert builder.pid is not None
        os.kill(builder.pid, signal.SIGKILL)
        builder.join()
        for info in store.inspect(cache):  # whatever the kill left, what can be opened is right
            rows = pool.Pool(info.folder).load().rows
            there = np.isin(heads.ids, rows["id"][rows["reason"] < 0])
            opened = store.open(heads.subset(there), PLAN, cache=cache)
            assert all(opened.mask(row) is not None for row in range(len(opened)))
    assert kills >= 2
    decoded = log.stat().st_size
    built = store.build(heads, PLAN, cache=cache)
    fresh = store.build(heads, PLAN, cache=tmp_path / "fresh")
    assert np.array_equal(built.digests, fresh.digests)
    for row in range(COUNT):
        assert np.array_equal(built.array(row), fresh.array(row))
        assert np.array_equal(built.ground(np.array([row])).points, fresh.ground(np.array([row])).points)
    assert decoded < COUNT + kills * 8, "what killed builds had committed was decoded again"


def test_two_processes_decode_each_volume_once(heads: SampleTable, tmp_path: Path) -> None:
    builders = [fork.Process(target=_slow_build, args=(heads, tmp_path / "cache", tmp_path / "log")) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
        assert builder.exitcode == 0
    assert (tmp_path / "log").stat().st_size == COUNT


def test_a_changed_label_volume_is_read_again(tmp_path: Path) -> None:
    root = volumes.write_tree(tmp_path / "set", 2, side=12)
    first = store.build(table_of(root, 2), PLAN, cache=tmp_path / "cache")
    _, labels, affine = volumes.head(12)
    volumes.write(root / "labelsTr/case_000.nii.gz", np.where(labels == 3, 2, labels).astype(np.uint8), affine)
    again = store.build(table_of(root, 2), PLAN, cache=tmp_path / "cache")
    assert (first.digests != again.digests).tolist() == [True, False]
    found = again.mask(0)
    assert found is not None
    assert found.max() == 2


def test_series_of_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / "scans" / "one"
    folder.mkdir(parents=True)
    for number in (1, 2):
        image, _, affine = volumes.head(14, number)
        for place, dataset in enumerate(series.slices(image, affine, series=number)):
            dataset.save_as(folder / f"{number}-{place}.dcm", enforce_file_format=True)
    table = resolve(str(tmp_path / "scans"), dims=3, least=1)
    built = store.build(table, Plan(modality="ct", crop=False), cache=tmp_path / "cache")
    found = {tuple(built.values(row)[7, 7]) for row in range(2)}
    assert found == {tuple(volumes.head(14, number)[0][7, 7].astype(np.float32)) for number in (1, 2)}
    opened = store.open(table, Plan(modality="ct", crop=False), cache=tmp_path / "cache")
    assert opened.digests.tolist() == built.digests.tolist()
    assert overlap(table, table).images == 2
    assert overlap(table.subset([0]), table.subset([1])).images == 0
    (folder / "1-3.dcm").unlink()
    with pytest.raises(UserError, match="not stored"):
        store.open(table, Plan(modality="ct", crop=False), cache=tmp_path / "cache")
    assert "1 are missing" in store.build(table, Plan(modality="ct", crop=False), cache=tmp_path / "cache", max_bad_share=0.5).left_out[0][1]


@pytest.mark.parametrize(("room", "at_once"), [(1, 1), (1 << 40, 4)])
def test_only_as_many_at_a_time_as_the_memory_holds(
    room: int, at_once: int, heads: SampleTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, under_way, most = threading.Lock(), 0, 0
    made = decoding.prepared

    def watched(*arguments: Any) -> Any:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.01)
        try:
            return made(*arguments)
        finally:
            with lock:
                under_way -= 1

    monkeypatch.setattr(decoding, "prepared", watched)
    monkeypatch.setattr(building, "free_memory", lambda: room)
    store.build(heads, PLAN, cache=tmp_path, threads=4)
    assert most <= at_once
    assert most > 1 or at_once == 1


def test_the_memory_a_large_volume_takes(heads: SampleTable) -> None:
    """A CT of 512 x 512 x 800 voxels: about 400 MB of file and more than two of its copies in single precision."""
    size = sizes.Size((512, 512, 800), 2, 200 << 20, (0.8, 0.8, 1.0))
    coarse = decoding.needed(size, Plan(spacing=(2, 2, 2)))
    assert 2 << 30 < coarse < 4 << 30
    assert decoding.needed(size, Plan()) > coarse
    told = sizes.size_of(building.Sources.of(heads), 0)
    assert (told.shape, told.itemsize, told.spacing) == ((12, 12, 12), 2, (2, 2, 3))
    assert told.at((1, 1, 1)) == (24, 24, 36)


def test_free_memory_in_a_container(tmp_path: Path) -> None:
    assert 0 < memory.free_memory() < 1 << 50
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("600000\n")
    (tmp_path / "memory.stat").write_text("anon 100\ninactive_file 250000\n")
    assert memory._of_container(tmp_path) == 650_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._of_container(tmp_path) == 1 << 62
