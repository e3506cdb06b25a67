"""``vesalius predict`` of a segmentation run: a label volume for each scan, on its own voxels, in its own format."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius.data.dataset import DataSet, open_data, resolve
from vesalius.data.filtering import Filter
from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.data.volumes.writing import suffix_for
from vesalius.encoders.saving import tensor_bytes, weights_hash
from vesalius.errors import UserError
from vesalius.evaluate.segmented.label_previews import previews
from vesalius.features.one_pass import precision_of
from vesalius.features.records import about, chosen, left_out, prepared, store_for
from vesalius.files import Lock, atomic_write, cache_folder
from vesalius.runs import FIGURES, Run, find
from vesalius.tasks import label_files
from vesalius.tasks.label_files import Written
from vesalius.tasks.segmenter import FACTS, Segmenter
from vesalius.tasks.sliding import Windows
from vesalius.tasks.sliding import probabilities as slide
from vesalius.terminal import Terminal

if TYPE_CHECKING:
    import pandas as pd

    from vesalius.data.table import SampleTable

MARKER = "segmentations.json"
"""Beside label volumes: what each was made of, so that it is not made again."""
_TABLE, _PREVIEW, _FOLDER = "volumes.csv", "preview.png", "segmentations"


@dataclass(frozen=True)
class Segmenting:
    """How scans are segmented. ``probabilities``: written too; ``resume``: what is there already is passed over."""

    device: torch.device
    autocast: torch.dtype | None
    probabilities: bool
    resume: bool
    terminal: Terminal

    @property
    def precision(self) -> str:
        """The precision in one word."""
        return precision_of(self.autocast)


@dataclass(frozen=True)
class _Job:
    """A model, the scans that are records ``rows`` of ``data``, and the ``files`` that their label volumes go to."""

    model: Segmenter
    windows: Windows
    data: DataSet
    rows: NDArray[np.int64]
    files: list[str]
    how: Segmenting

    @property
    def uris(self) -> list[str]:
        """Of the scans."""
        found: list[str] = self.data.table.frame["uri"].iloc[self.data.table_rows(self.rows)].tolist()
        return found

    @property
    def key(self) -> str:
        """Everything but the scan that a label volume depends on."""
        model, plan = self.model, self.data.store.settings
        facts = (weights_hash(model.encoder), model.task.as_dict(), self.windows, self.how.precision, self.how.probabilities)
        state = blake2b(repr(facts).encode(), digest_size=16)
        state.update(tensor_bytes(model.decoder.state_dict()) + prepared(plan).encode() + plan.key.encode())
        return state.hexdigest()

    @property
    def key_of_all(self) -> str:
        """The key of all label volumes together."""
        store = self.data.store
        state = blake2b(self.key.encode(), digest_size=16)
        state.update(np.ascontiguousarray(store.ids[self.rows]).tobytes() + "".join(store.digests[self.rows]).encode())
        return state.hexdigest()


def segments(run: str | Path) -> bool:
    """Whether ``run`` (folder, id or ``latest``) holds a segmenter."""
    return (_folder(run) / FACTS).is_file()


def segment(
    run: str | Path,
    data: str | SampleTable,
    how: Segmenting,
    *,
    out: Path | None,
    split: str | None,
    filter: Filter | None,
    code: str | Path | None,
    name_left_out: Callable[[DataSet, Terminal], None],
) -> tuple[Path, Path]:
    """The prediction's run and its table ``volumes.csv`` (``volumes.parquet`` with ids alone where ``out`` is None).

    ``out``: the folder of the label volumes, laid out as the scans are. A scan whose label volume is there, made by this model of this
    scan, is not segmented again. ``name_left_out`` names what could not be read on the terminal.
    Raises UserError where ``out`` is no folder.
    """
    if out is not None and (out.is_file() or out.suffix in (".csv", ".parquet")):
        raise UserError(
            f"The run segments volumes: a label volume is written for each scan, and {out.name} is no folder. Name a folder with --out; the table "
            f"of volumes in ml is written into it as {_TABLE}."
        )
    model = Segmenter.load(run, code=code)
    table = _scans(data, filter, how.terminal)
    bare = replace(table, frame=table.frame.drop(columns="mask", errors="ignore"), task=None)
    opened: DataSet = open_data(table.source, bare, store_for(model.encoder, bare), how.terminal, max_bad_share=1.0)
    name_left_out(opened, how.terminal)
    rows = chosen(opened, split)
    job = _Job(model, _windows(model, run), opened, rows, _files(opened, rows, named=out is not None), how)
    config = {
        "run": str(run), "data": data if isinstance(data, str) else table.source, "split": split, "filter": filter,
        "precision": how.precision, "probabilities": how.probabilities,
    }  # fmt: skip
    made = Run.create("predict", table.source, config)
    try:
        began = time.perf_counter()
        place = out if out is not None else cache_folder() / _FOLDER / job.key_of_all
        place.mkdir(parents=True, exist_ok=True)
        with Lock(out / ".lock" if out is not None else place.with_name(f"{place.name}.lock")):
            written, computed = _each(job, place)
            file = _finish(job, made, written, place, out)
        made.record(computed=computed, seconds=time.perf_counter() - began, data_fingerprint=table.fingerprint(), device=str(how.device))
    except BaseException:
        made.finish("failed")
        raise
    made.finish("done")
    from vesalius.report import build

    build([made.path])
    return made.path, file


def _folder(run: str | Path) -> Path:
    folder = Path(run).expanduser()
    return folder if folder.is_dir() else find(run)


def _scans(data: str | SampleTable, filter: Filter | None, terminal: Terminal) -> SampleTable:
    """The scans meant: those of a data set, or the one file of that name."""
    one = Path(data) if isinstance(data, str) and label_files.is_volume(data) and Path(data).is_file() else None
    table = resolve(str(one.parent) if one is not None else data, filter=filter, least=1, dims=3, terminal=terminal)
    if one is None:
        return table
    return table.subset(np.array([table.path(uri).resolve() == one.resolve() for uri in table.frame["uri"]]))


def _windows(model: Segmenter, run: str | Path) -> Windows:
    """As the run predicted its own volumes."""
    folder = _folder(run)
    said = Run(folder).config().get("sliding", {}) if (folder / "config.yaml").is_file() else {}
    return Windows(tuple(model.encoder.card.size), **said)


def _files(data: DataSet, rows: NDArray[np.int64], *, named: bool) -> list[str]:
    """Where each label volume goes: as its scan is called, or by its id."""
    ids = [f"{int(i):016x}" for i in data.store.ids[rows]]
    uris = about(data, rows, named=True)["uri"].tolist()
    return label_files.names(uris, ids) if named else [f"{id_}_seg{suffix_for(uri)}" for id_, uri in zip(ids, uris, strict=True)]


def _each(job: _Job, place: Path) -> tuple[list[Written], int]:
    """Every scan that is not segmented yet; what is known of each, and how many there were to do."""
    store, how, key = job.data.store, job.how, job.key
    assert isinstance(store, VolumeStore)
    known = _known(place) if how.resume else {}
    found, computed = [], 0
    job.model.to(how.device).eval()
    with how.terminal.bar(f"segmenting {job.data.name}", "volumes") as progress:
        for done, (row, name, uri) in enumerate(zip(job.rows.tolist(), job.files, job.uris, strict=True), 1):
            case, said = f"{key} {store.digests[row]}", known.get(name)
            written = label_files.whole(place, said, probabilities=how.probabilities) if said and said.get("key") == case else None
            if written is None:
                chances = slide(job.model, store, row, job.windows, device=how.device, autocast=how.autocast)
                like = job.data.table.path(uri)
                written = label_files.write(place, name, chances, store.geometry(row), like, probabilities=how.probabilities)
                known[name] = {"key": case, **written.as_dict()}
                atomic_write(place / MARKER, json.dumps({"segmentations": known}, indent=1, ensure_ascii=False) + "\n")
                computed += 1
            found.append(written)
            progress(done, len(job.rows), earlier=done - computed)
    if not computed:
        how.terminal.say(f"The label volumes of all {len(found):,} scans are there already.")
    return found, computed


def _known(place: Path) -> dict[str, Any]:
    """What the marker in ``place`` says of each file; nothing where it cannot be read."""
    try:
        found: dict[str, Any] = json.loads((place / MARKER).read_text(encoding="utf-8"))["segmentations"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found


def _finish(job: _Job, run: Run, written: list[Written], place: Path, out: Path | None) -> Path:
    """Table, pictures, results; the label volumes themselves into the run where no folder was named."""
    data, classes = job.data, list(job.model.task.classes)
    frame = about(data, job.rows, named=out is not None).drop(columns="frame", errors="ignore")
    frame["file"] = [one.file for one in written]
    frame = frame.assign(**{f"voxels_{name}": [one.voxels[n] for one in written] for n, name in enumerate(classes)})
    frame = frame.assign(**{f"ml_{name}": [one.ml[n] for one in written] for n, name in enumerate(classes)})
    picture = previews([(data.table.path(uri), place / one.file) for uri, one in zip(job.uris, written, strict=True)])
    (run.path / FIGURES).mkdir(exist_ok=True)
    atomic_write(run.path / FIGURES / _PREVIEW, picture)
    if out is not None:
        file = out / _TABLE
        atomic_write(out / _PREVIEW, picture)
        atomic_write(file, frame.to_csv(index=False))
        _write_left_out(data, out)
    else:
        shutil.move(place, run.path / _FOLDER)
        (run.path / _FOLDER / MARKER).unlink()
        file = run.path / "volumes.parquet"
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        atomic_write(file, buffer.getvalue())
    run.write_json("results.json", {**_results(job, frame), "file": file.name})
    run.write_json("left_out.json", left_out(data))
    return file


def _write_left_out(data: DataSet, out: Path) -> None:
    """``left_out.csv``: each scan that could not be read, by its path, and why."""
    if not data.store.left_out:
        return
    reasons = {f"{i:016x}": reason for i, reason in data.store.left_out}
    listed = data.table.frame.assign(id=[f"{int(i):016x}" for i in data.table.frame["id"]])
    lost = listed[listed["id"].isin(reasons)][["id", "uri"]]
    atomic_write(out / "left_out.csv", lost.assign(reason=lost["id"].map(reasons)).to_csv(index=False))


def _results(job: _Job, frame: pd.DataFrame) -> dict[str, Any]:
    data, scans, lost = job.data, len(job.rows), len(job.data.store.left_out)
    classes = job.model.task.classes
    were = "scans were" if scans != 1 else "scan was"
    volumes = []
    for name in classes:
        ml = frame[f"ml_{name}"]
        found = {"median": float(ml.median()), "least": float(ml.min()), "greatest": float(ml.max())}
        volumes.append({"class": name, "in": int((frame[f"voxels_{name}"] > 0).sum()), **found})
    return {
        "kind": "predict",
        "title": f"Segmentations of {data.public}",
        "verdict": [
            f"{scans:,} {were} segmented into {', '.join(classes[1:])}.",
            f"{lost:,} could not be read and were left out." if lost else "Every scan could be read.",
        ],
        "rows": scans,
        "task": job.model.task.as_dict(),
        "weights": weights_hash(job.model.encoder),
        "data": data.public,
        "left_out": lost,
        "warnings": list(data.table.warnings),
        "volumes": volumes,
    }
