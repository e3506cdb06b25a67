"""S3, stood in for by moto behind a proxy that breaks connections: every source, every verb, kills, outages, secrets."""

from __future__ import annotations

import io
import multiprocessing
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import vesalius
from tests import volumes
from tests.data.images import write_images
from tests.data.sources import native
from tests.labelled import RECIPE
from tests.remote import journey
from tests.remote.storages import Storage, storage
from tests.trees import chexpert, covid, dicom, nih, rsna, series
from vesalius.cli import main
from vesalius.data import building, pool, store
from vesalius.data.checking import check
from vesalius.data.dataset import open_data, pick_channels
from vesalius.data.plan import Plan
from vesalius.data.references import resolve
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable
from vesalius.errors import NoRoom, TooManyBadFiles, UserError
from vesalius.files import patience
from vesalius.terminal import Terminal


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with storage("s3", tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture(autouse=True)
def _calm(server: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    server.proxy.calm()
    monkeypatch.setattr(patience, "_FIRST_PAUSE", 0.01)


@pytest.fixture(scope="module")
def ward(server: Storage, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder of images of two classes and a table of them, here and there."""
    folder = tmp_path_factory.mktemp("ward")
    uris = list(write_images(folder, 40, 20, 20))
    rows = {"path": uris, "ill": [i % 2 for i in range(40)], "patient": [f"p{i // 2}" for i in range(40)]}
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    pd.DataFrame(rows).to_parquet(folder / "table.parquet")
    return folder, server.upload(folder, "wing")


def test_a_build_through_broken_connections_loses_nothing(server: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, far = journey.build_loses_nothing(server, tmp_path, monkeypatch)
    changed = far.frame["uri"].iloc[5]
    data = io.BytesIO()
    Image.fromarray(np.zeros((12, 16, 3), np.uint8)).save(data, "png")
    server.put(f"{far.root}/{changed}", data.getvalue())
    built = store.build(far, cache=tmp_path / "far")
    assert [path.rpartition(f"{tmp_path.name} ö/")[2] for path in server.proxy.read()] == [changed], "what changed is read, nothing else"
    assert not built.array(5).any()
    server.proxy.calm()
    store.build(far, cache=tmp_path / "anew")
    assert set(server.proxy.read().values()) == {1}, "each file is read once"


def test_a_pretraining_through_broken_connections_ends_the_same(
    server: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    journey.pretraining_loses_nothing(server, tmp_path)
    assert server.secret.encode() not in journey.written(tmp_path / "cache", tmp_path / "runs")


def both(server: Storage, folder: Path, name: str, reference: str, **options: object) -> tuple[SampleTable, SampleTable]:
    """The tables of a source in ``folder`` and of its copy, read through breaking connections; ``{}`` is the place."""
    address = server.upload(folder, name)
    near = resolve(reference.format(folder), **options)  # type: ignore[arg-type]
    server.proxy.calm()
    server.proxy.every = 6
    far = resolve(reference.format(address), **options)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(far.frame, near.frame)
    assert far.label_names == near.label_names
    assert pick_channels(far) == pick_channels(near)
    assert journey.same_pixels(store.build(near, cache=folder.parent / "near"), store.build(far, cache=folder.parent / "far"))
    server.proxy.calm()
    return near, far


def test_tables(server: Storage, ward: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = ward
    server.proxy.every = 6
    near = resolve(str(folder / "table.csv"), labels="ill")
    for reference, root in (
        (f"{address}/table.csv", None),
        (f"{address}/table.parquet", None),
        (str(folder / "table.csv"), address),
        (str(tmp_path / "addresses.csv"), None),
    ):
        if "addresses" in reference:
            frame = pd.read_csv(folder / "table.csv")
            frame.assign(path=[f"{address}/{uri}" for uri in frame["path"]]).to_csv(reference, index=False)
        far = resolve(reference, labels="ill", root=root)
        pd.testing.assert_frame_equal(far.frame, near.frame)
        assert far.root == address
    built = store.build(far, cache=tmp_path / "cache")
    assert journey.same_pixels(built, store.build(near, cache=tmp_path / "near"))
    saved = far.save(tmp_path / "saved.parquet")
    server.put(f"{address}/saved.parquet", saved.read_bytes())
    assert resolve(f"{address}/saved.parquet").fingerprint() == SampleTable.load(saved).fingerprint() == near.fingerprint()
    assert far.locate([int(far.ids[3])]) == [f"{address}/{far.frame['uri'].iloc[3]}"]


def test_sources_in_their_native_layouts(server: Storage, tmp_path: Path) -> None:
    nih.write(tmp_path / "nih" / "set", patients=8, side=24)
    both(server, tmp_path / "nih" / "set", "nih", "nih-chestxray14@{}")
    native.fashion(tmp_path / "fashion" / "set")
    both(server, tmp_path / "fashion" / "set", "fashion", "fashion-mnist@{}")
    native.cifar(tmp_path / "cifar" / "set", "cifar10")
    both(server, tmp_path / "cifar" / "set", "cifar", "cifar10@{}")
    native.npz(tmp_path / "npz" / "set" / "pneumoniamnist.npz")
    both(server, tmp_path / "npz" / "set", "npz", "{}/pneumoniamnist.npz")
    both(server, tmp_path / "npz" / "set", "npz", "medmnist@{}:pneumoniamnist")


def test_radiographs_in_their_native_layouts(server: Storage, tmp_path: Path) -> None:
    home = chexpert.write(tmp_path / "chexpert" / "set", patients=8, side=24)
    both(server, home, "chexpert", "chexpert@{}")
    rsna.write(tmp_path / "rsna" / "set", 8, side=24)
    both(server, tmp_path / "rsna" / "set", "rsna", "rsna-pneumonia@{}")
    covid.write(tmp_path / "covid" / "set", 4, side=24)
    both(server, tmp_path / "covid" / "set", "covid", "covid-cxr@{}")
    dicom.write(tmp_path / "dicom" / "set", 4, 24)
    both(server, tmp_path / "dicom" / "set", "dicom", "dicom@{}")


def test_volumes_with_their_labels(server: Storage, tmp_path: Path) -> None:
    root = volumes.write_tree(tmp_path / "scans", 3, side=12)
    plan = Plan(foreground="nonzero")
    here, there = (resolve(str(place)) for place in (root, server.upload(root, "scans")))
    built = store.build(there, plan, cache=tmp_path / "there")
    assert built.digests.tolist() == store.build(here, plan, cache=tmp_path / "here").digests.tolist()
    assert built.mask(0) is not None
    assert len(store.open(there, plan, cache=tmp_path / "there")) == 3


def test_dicom_series(server: Storage, tmp_path: Path) -> None:
    image, _, affine = volumes.head((12, 10, 8))
    for number in range(2):
        series.save(tmp_path / "scans" / str(number), series.slices(image, affine, series=number, patient=str(number)))
    plan = Plan(foreground="nonzero")
    here, there = (resolve(str(place), dims=3) for place in (tmp_path / "scans", server.upload(tmp_path / "scans", "series")))
    assert check(there, decode=True)["unreadable"] == []
    built = store.build(there, plan, cache=tmp_path / "there")
    assert built.digests.tolist() == store.build(here, plan, cache=tmp_path / "here").digests.tolist()


def test_a_large_array_is_unpacked_once(server: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vesalius.data.sources import medmnist

    monkeypatch.setattr(medmnist, "_IN_MEMORY", 100)
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    native.npz(tmp_path / "set" / "mine.npz")
    both(server, tmp_path / "set", "large", "{}/mine.npz")
    assert len(list((tmp_path / "cache" / "unpacked").iterdir())) == 6


def _build_slowly(table: SampleTable, cache: Path) -> None:
    pool.COMMIT_SECONDS = 0.05
    store.build(table, cache=cache, threads=1)


def test_a_killed_build_goes_on_without_reading_again(server: Storage, tmp_path: Path) -> None:
    write_images(tmp_path / "set", 90, 12, 16)
    far = resolve(server.upload(tmp_path / "set", "killed"))
    server.proxy.calm()
    server.proxy.latency = 0.2
    builder = multiprocessing.get_context("fork").Process(target=_build_slowly, args=(far, tmp_path / "cache"))
    builder.start()
    deadline = time.monotonic() + 60
    there = 0
    while builder.is_alive() and there < 10:
        assert time.monotonic() < deadline
        time.sleep(0.01)
        there = sum(info.records for info in store.inspect(tmp_path / "cache"))
    assert builder.pid is not None
    os.kill(builder.pid, signal.SIGKILL)
    builder.join()
    (info,) = store.inspect(tmp_path / "cache")
    assert 10 <= info.records < 90, "it was killed on the way"
    server.proxy.calm()
    built = store.build(far, cache=tmp_path / "cache")
    assert len(server.proxy.read()) == 90 - info.records
    assert journey.same_pixels(built, store.build(resolve(str(tmp_path / "set")), cache=tmp_path / "near"))


def test_a_file_that_fails_for_good_is_named_and_tried_again(
    server: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.05)
    write_images(tmp_path / "set", 20, 12, 16)
    address = server.upload(tmp_path / "set", "failing")
    far = resolve(address)
    server.proxy.refuses = lambda path: path.endswith("a/0004.png")
    built = store.build(far, cache=tmp_path / "cache", max_bad_share=0.1)
    ((lost, reason),) = built.left_out
    assert far.locate([lost]) == [f"{address}/a/0004.png"]
    assert "could not be fetched" in reason
    open_data("x", far, StoreSettings(), Terminal(), max_bad_share=0.1)
    assert "1 files could not be fetched" in (said := capsys.readouterr().err)
    assert f"{address}/a/0004.png" in said
    with pytest.raises(TooManyBadFiles) as caught:
        store.build(far, cache=tmp_path / "cache", max_bad_share=0.0)
    assert any("a/0004.png" in note for note in caught.value.__notes__)
    assert "a/0004.png" not in str(caught.value)
    server.proxy.calm()
    assert len(store.build(far, cache=tmp_path / "cache", max_bad_share=0.0)) == 20
    assert [path.rpartition("/")[2] for path in server.proxy.read()] == ["0004.png"]


def test_a_lost_connection_ends_the_build_and_keeps_what_is_there(
    server: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.05)
    monkeypatch.setattr(building, "_CUT_OFF", 4)
    write_images(tmp_path / "set", 30, 12, 16)
    far = resolve(server.upload(tmp_path / "set", "lost"))
    gone = set(far.frame["uri"].iloc[20:])
    server.proxy.refuses = lambda path: path.partition("/lost/")[2] in gone
    with pytest.raises(NoRoom, match="20 of 30 images are stored"):
        store.build(far, cache=tmp_path / "cache")
    server.proxy.calm()
    assert len(store.build(far, cache=tmp_path / "cache")) == 30
    assert len(server.proxy.read()) == 10


def test_errors_are_one_paragraph(server: Storage, ward: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, address = ward
    for reference, words in (
        (f"{address}/nothing", "nothing at"),
        ("s3://no-such-bucket/x", "nothing at"),
        (f"{address}/a/0000.png", "is one file"),
        (f"{address}/none.csv", "nothing at"),
        (f"nih-chestxray14@{address}", "Data_Entry_2017"),
        (f"s3://key:{server.secret}@ward/x", "environment"),
    ):
        with pytest.raises(UserError, match=words) as caught:
            resolve(reference)
        assert server.secret not in str(caught.value)
    own = tmp_path / "own.py"
    own.write_text(
        "from vesalius.data.table import SampleTable\n"
        "class Items:\n    def __init__(self, root): pass\n    def __len__(self): return 3\n    def __getitem__(self, i): return None, 0\n"
        "class Table:\n    def index(self, root): return SampleTable.of('mine', root, ['a/0000.png', 'b/0001.png'])\n"
    )
    with pytest.raises(UserError, match="local root"):
        resolve(f"{own}:Items", root=address)
    assert len(store.build(resolve(f"{own}:Table", root=address), cache=tmp_path / "cache")) == 2
    monkeypatch.setattr("vesalius.files.anywhere.FIRST_CONTACT", 0.1)
    server.proxy.refuses = lambda path: True
    with pytest.raises(UserError, match="could not be fetched in 0 seconds"):
        resolve(f"{address}/")


def test_every_verb_takes_an_address(
    server: Storage, ward: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, address = ward
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        assert not ended.value.code
        return capsys.readouterr().out

    server.proxy.every = 9
    journey.pretrain(address, tmp_path / "run")
    for place, name in ((address, "far"), (str(folder), "near")):
        command("embed", "--encoder", "run", "--data", place, "--out", f"{name}.parquet")
    frames = [pd.read_parquet(f"{name}.parquet") for name in ("far", "near")]
    assert np.array_equal(np.stack(frames[0]["vector"]), np.stack(frames[1]["vector"]))
    assert list(frames[0]["uri"]) == list(frames[1]["uri"]), "relative to the root, whatever that is"
    data = {"train": f"{address}/table.csv", "labels": "ill", "subject": "patient", "split": {"val": 0.2, "test": 0.2}}
    made = vesalius.finetune({**RECIPE, "data": data, "encoder": {"weights": "run"}}, out=tmp_path / "classifier", quiet=True)
    said = vesalius.predict(made.path, address, quiet=True)
    assert said.table["id"].tolist() == vesalius.predict(made.path, str(folder), quiet=True).table["id"].tolist()
    server.proxy.calm()
    assert "40" in command("data", "check", f"{address}/table.csv")
    assert "40 images" in command("data", "index", address, "--size", "12")
    assert check(address, decode=True)["unreadable"] == []
    assert f"{address}/a/0000.png" in command("data", "locate", address, frames[0]["id"].iloc[0])
    before = len(store.inspect())
    command("data", "prune", "--dataset", f"{address}/")
    assert len(store.inspect()) < before
    command("data", "list")
    monkeypatch.setenv("VESALIUS_DATA", "s3://ward")
    native.fashion(tmp_path / "fashion")
    server.upload(tmp_path / "fashion", "fashion-mnist")
    assert len(resolve("fashion-mnist")) == 8
    shutil.rmtree(tmp_path / "fashion")
    assert server.secret.encode() not in journey.written(tmp_path)


def test_the_pages_python(server: Storage, tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "remote-data.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for number in range(2):
        write_images(tmp_path / "radiographs" / f"patient{number}", 2, 12, 12)
    address = server.upload(tmp_path / "radiographs", "radiographs")
    space: dict[str, Any] = {}
    exec(compile(code.replace("s3://bucket/radiographs", address).replace("a/1.png", "patient0/a/0000.png"), "remote-data.md", "exec"), space)
    assert space["table"].frame["subject"].nunique() == 2
