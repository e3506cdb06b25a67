"""What every kind of storage must show: nothing is lost, whatever the connection does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.data.images import write_images
from tests.recipes.tiny import tiny
from tests.remote.storages import Storage
from vesalius.cli import main
from vesalius.data import store
from vesalius.data.references import resolve
from vesalius.data.table import SampleTable
from vesalius.files import Objects, objects


def same_pixels(one: store.PixelStore, two: store.PixelStore) -> bool:
    """Whether two stores hold the same records, bit by bit."""
    return np.array_equal(one.digests, two.digests) and all(np.array_equal(one.array(i), two.array(i)) for i in range(len(one)))


def build_loses_nothing(storage: Storage, folder: Path, monkeypatch: pytest.MonkeyPatch, count: int = 70) -> tuple[SampleTable, SampleTable]:
    """A folder's store through a connection that breaks again and again equals the local one."""
    write_images(folder / "images", count, 12, 16)
    (folder / "images" / "notes.txt").write_text("x")
    address = storage.upload(folder / "images", f"{folder.name} ö")
    storage.proxy.calm()
    storage.proxy.every = storage.every
    near, far = resolve(str(folder / "images")), resolve(f"{address}/")
    assert far.frame.equals(near.frame), "same ids, same order"
    assert (far.warnings, far.root) == (near.warnings, address)
    local = store.build(near, cache=folder / "near")
    remote = store.build(far, cache=folder / "far")
    assert storage.proxy.broken >= 5
    assert same_pixels(local, remote)
    assert remote.left_out == []
    storage.proxy.calm()
    listed = Objects(address).states(list(far.frame["uri"]))
    with monkeypatch.context() as patch:
        patch.setattr(objects, "_FEW", count)
        assert Objects(address).states(list(far.frame["uri"])) == listed, "a listing and single questions agree"
    storage.proxy.calm()
    again = store.build(far, cache=folder / "far")
    assert same_pixels(local, again)
    assert storage.proxy.read() == {}, "what has not changed is not read again"
    return near, far


def pretrain(reference: str, out: Path, **fields: Any) -> bytes:
    """The encoder that the command line writes after four steps on ``reference``."""
    recipe = tiny(reference, monitors=[], **fields)
    recipe["data"] = {"train": reference}
    out.parent.mkdir(parents=True, exist_ok=True)
    (out.parent / f"{out.name}.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(SystemExit) as ended:
        main(["pretrain", str(out.parent / f"{out.name}.yaml"), "--out", str(out)])
    assert not ended.value.code
    return (out / "encoder.safetensors").read_bytes()


def pretraining_loses_nothing(storage: Storage, folder: Path) -> None:
    """The same final weights from an address, through breaking connections, as from the local folder."""
    write_images(folder / "train", 40, 20, 20, seed=3)
    address = storage.upload(folder / "train", f"{folder.name}/train")
    storage.proxy.calm()
    storage.proxy.every = storage.every
    far = pretrain(address, folder / "runs" / "far")
    assert storage.proxy.broken >= 5
    storage.proxy.calm()
    assert far == pretrain(str(folder / "train"), folder / "runs" / "near")


def written(*folders: Path) -> bytes:
    """Everything below ``folders``, names too."""
    files = [file for folder in folders for file in sorted(folder.rglob("*"))]
    return b"\n".join(str(file).encode() + b"\n" + (file.read_bytes() if file.is_file() else b"") for file in files)
