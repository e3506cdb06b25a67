"""Weights behind an address of the web, of a file or in a run of MLflow: fetched once, when named, checked, kept in the cache."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from vesalius.encoders.foreign import PLACES
from vesalius.encoders.unfinished import PARTS
from vesalius.errors import UserError
from vesalius.files import Lock, atomic_folder, cache_folder

_DIGEST = re.compile(r"sha256=([0-9a-fA-F]{64})")
_MLFLOW = "mlflow:"
_FILE = "file://"
_MADE, _RECOVERY = "encoder", "recovery"
"""Where a tracked run of ours has its encoder, and its checkpoints while it is not done."""


def is_address(reference: str) -> bool:
    """Whether ``reference`` is an address of the web, of a file or of a run of MLflow."""
    return reference.startswith(("https://", "http://", _FILE, _MLFLOW))


def fetched(address: str, *, any_file: bool = False) -> Path:
    """The file of weights at ``address``, which ends in ``#sha256=`` and the file's SHA-256; downloaded where it is not there.

    ``mlflow:RUN_ID[/artifact path]``: the encoder's folder, or, while the run is not done, a folder with its newest
    checkpoint. All lies in ``VESALIUS_CACHE/weights``. ``file://`` addresses are files where they lie. ``any_file``: an address without a
    digest is downloaded too, and what came first is what it means from then on. Raises UserError for an address without a digest, since
    weights that may change are no beginning that a run can name, for a server that fails and for a file that is another.
    """
    if address.startswith(_FILE):
        return _of_file(address)
    if address.startswith(_MLFLOW):
        return _of_mlflow(address.removeprefix(_MLFLOW))
    place, _, fragment = address.partition("#")
    stated = _DIGEST.fullmatch(fragment)
    name = Path(unquote(urlsplit(place).path)).name
    if any_file and stated is None and name:
        return _first(place, name)
    if stated is None or not name:
        raise UserError(
            f"{place} is to be downloaded, but nothing says which file it has to be. Write the file's SHA-256 behind the address, "
            f"{place}#sha256=..., as its publisher gives it or sha256sum prints it; or download it and give its path."
        )
    from vesalius.files import download

    folder = cache_folder() / "weights" / stated[1].lower()[:16]
    return download(place, folder / name, sha256=stated[1])


def _of_file(address: str) -> Path:
    parts = urlsplit(address)
    file = Path(url2pathname(parts.path))
    if parts.netloc not in ("", "localhost") or not file.exists():
        raise UserError(f"There is no file behind {address}. An address of a file on this machine is written file:///FOLDER/NAME.")
    return file


def _first(address: str, name: str) -> Path:
    """What ``address`` gave when it was first asked for."""
    from vesalius.files import download

    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    return download(address, cache_folder() / "weights" / f"address-{key}" / name, pinned=True)


def _of_mlflow(reference: str) -> Path:
    """The encoder of ``RUN_ID[/artifact path]``: what is in the cache already is not asked for again."""
    from vesalius.runs import mlflow_store

    wanted, _, path = reference.partition("/")
    uri = mlflow_store.place()
    key = hashlib.sha256(f"{uri} {reference}".encode()).hexdigest()[:16]
    kept = cache_folder() / "weights" / f"mlflow-{key}"
    with Lock(kept.with_name(f".{kept.name}.lock")):
        if kept.is_dir() and mlflow_store.is_whole(found := _inside(kept)):
            return found
        store = mlflow_store.client(uri)
        run_id = str(mlflow_store.run_of(store, wanted).info.run_id)
        place, only = (path, None) if path else _place(store, run_id)
        if place.startswith(f"{_RECOVERY}/"):  # a newer one may follow: kept by its own name
            kept = kept.with_name(f"{kept.name}-{place.rpartition('/')[2]}")
            if kept.is_dir():
                return kept
        with atomic_folder(kept) as draft:
            found = mlflow_store.fetch(store, run_id, place, draft, only)
            if only is not None:
                shutil.move(found / "checkpoints", draft / "checkpoints")
        return kept if only is not None else _inside(kept)


def _place(store: Any, run_id: str) -> tuple[str, list[str] | None]:
    """Which artifact of a run is its encoder, and which files of it are needed where not all are."""
    from vesalius.runs import mlflow_store

    top = mlflow_store.listed(store, run_id)
    if _MADE in top:
        return _MADE, None
    if _RECOVERY in top:
        for folder in reversed(mlflow_store.listed(store, run_id, _RECOVERY)):
            if f"{folder}/sha256.json" in mlflow_store.listed(store, run_id, folder):
                step = folder.rpartition("/")[2]
                return folder, [f"checkpoints/{step}/{name}" for name in PARTS]
    for name in PLACES:
        above = name.rpartition("/")[0]
        if name in mlflow_store.listed(store, run_id, above):
            return name, None
    raise UserError(
        f"The MLflow run {run_id} holds no encoder and no checkpoint; it holds {', '.join(top) or 'nothing'}. "
        f"Say where they are: mlflow:{run_id}/PATH."
    )


def _inside(kept: Path) -> Path:
    """The one file, or the folder of files, that lies in ``kept`` as deep as its place among the artifacts."""
    place = kept
    while len(inside := list(place.iterdir())) == 1:
        place = inside[0]
        if place.is_file():
            break
    return place
