"""``vesalius embed``: one row of numbers per image, from an encoder's pooled vector, projector or any layer."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from vesalius.data.dataset import DataSet, open_data, resolve
from vesalius.data.settings import StoreSettings
from vesalius.encoders import load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.loading import encoder_folder
from vesalius.encoders.projector import MLP, load_projector
from vesalius.encoders.saving import tensor_bytes, weights_hash
from vesalius.errors import UserError
from vesalius.features import blocks, evaluation_views
from vesalius.features.partial import Partial
from vesalius.features.writing import suffix_of, write
from vesalius.files import Lock, atomic_write, cache_folder
from vesalius.result import Result
from vesalius.runs import Run
from vesalius.terminal import Terminal
from vesalius.training.precision import autocast_type
from vesalius.training.world import pick_device

if TYPE_CHECKING:
    import pandas as pd

    from vesalius.data.table import SampleTable

MARGIN = 1.25
"""Shorter side of the stored images over the encoder's, as in pretraining, so that both share their store."""

_PAUSE = 2.0
"""Seconds of work between two markers on disk: what a kill costs at most."""


class EmbedResult(Result):
    """An embedding's run. ``file``: where the vectors are; ``vectors``: the same, in memory."""

    def __init__(self, path: Path, file: Path, encoder: Encoder) -> None:
        super().__init__(path)
        self.file = file
        self._encoder = encoder

    @property
    def encoder(self) -> Encoder:
        """The encoder that made the vectors."""
        return self._encoder

    @property
    def vectors(self) -> NDArray[np.float32]:
        """``(N, D)``; a memory map where the file is an ``.npy``."""
        if self.file.suffix == ".npy":
            mapped: NDArray[np.float32] = np.load(self.file, mmap_mode="r", allow_pickle=False)
            return mapped
        import pandas as pd

        if self.file.suffix == ".csv":
            frame = pd.read_csv(self.file)
            return frame[[f"v{i}" for i in range(self.results["dim"])]].to_numpy(np.float32)
        return np.stack(pd.read_parquet(self.file, columns=["vector"])["vector"].to_list()).astype(np.float32)

    def _repr_html_(self) -> str:
        from html import escape

        facts = self.results
        return (
            f"<p><b>{escape(self.file.name)}</b>: {facts['rows']:,} × {facts['dim']:,} ({escape(facts['layer'])}) by "
            f"{escape(facts['architecture'])}, {facts['left_out']:,} unreadable images left out</p>"
        )


@dataclass(frozen=True)
class _Job:
    """What is to be computed: ``rows`` are records of the store."""

    encoder: Encoder
    projector: MLP | None
    data: DataSet
    rows: NDArray[np.int64]
    layer: str
    normalise: bool
    precision: str

    @property
    def key(self) -> str:
        """Everything the vectors depend on, in 32 digits."""
        state = blake2b(digest_size=16)
        card = self.encoder.card
        own = (card.architecture, dict(card.options), card.code, card.mean, card.std)
        facts = (weights_hash(self.encoder), own, evaluation_views(self.encoder).config(), self.layer)
        state.update(repr((*facts, self.normalise, self.precision)).encode())
        if self.projector is not None:
            state.update(tensor_bytes(self.projector.state_dict()))
        state.update(np.ascontiguousarray(self.data.store.ids[self.rows]).tobytes())
        state.update("".join(self.data.store.digests[self.rows]).encode())
        return state.hexdigest()


def embed(
    encoder: str | Path | Encoder,
    data: str | SampleTable,
    *,
    out: str | Path | None = None,
    layer: str = "pooled",
    normalise: bool = False,
    batch_size: int = 256,
    device: str = "auto",
    precision: str = "fp32",
    split: str | None = None,
    labels: str | None = None,
    weights: str | None = None,
    code: str | Path | None = None,
    resume: bool = True,
    quiet: bool = False,
) -> EmbedResult:
    """Features of ``data`` by ``encoder``: one row per readable image, in the table's order.

    ``encoder``: a run, a folder, a network's name (then ``weights`` says which), or an Encoder. ``out``: FILE.parquet,
    .npy (with FILE.ids.csv) or .csv, with paths relative to the data's root; by default ``embeddings.parquet`` in a new
    run, with ids only. ``layer``: pooled, projected, or a module's name. ``normalise``: each row divided by its length.
    ``split``: only these rows. ``precision``: fp32, bf16 or auto. Killed work is gone on with when the same call is
    made again, unless ``resume`` is False; finished work is not repeated. Raises UserError, TooManyBadFiles, NoRoom.
    """
    terminal = Terminal(quiet=quiet)
    file = None if out is None else Path(out)
    if file is not None:
        suffix_of(file)
    if batch_size < 1:
        raise UserError(f"batch_size is {batch_size}; it must be at least 1.")
    place = pick_device(device)
    autocast = autocast_type(precision, place)
    network = _encoder(encoder, weights, code)
    projector = _projector(encoder, layer)
    table = resolve(data, labels=labels, terminal=terminal)
    chosen = open_data(table.source, table, _settings(network), terminal)
    precise = "fp32" if autocast is None else str(autocast).removeprefix("torch.")
    job = _Job(network, projector, chosen, _rows(chosen, split), layer, normalise, precise)
    config: dict[str, Any] = {
        "encoder": network.card.architecture if isinstance(encoder, Encoder) else str(encoder),
        "data": data if isinstance(data, str) else table.source,
        "layer": layer,
        "normalise": normalise,
        "split": split,
        "labels": labels,
        "weights": weights,
        "precision": precise,
        "batch_size": batch_size,
    }
    run = Run.create("embed", table.source, config)
    try:
        written = _embed(job, file, run, batch_size, place, autocast, resume, terminal)
    except BaseException:
        run.finish("failed")
        raise
    run.finish("done")
    return EmbedResult(run.path, written, network)


def _embed(
    job: _Job,
    out: Path | None,
    run: Run,
    batch_size: int,
    device: torch.device,
    autocast: torch.dtype | None,
    resume: bool,
    terminal: Terminal,
) -> Path:
    file = out if out is not None else run.path / "embeddings.parquet"
    marker = file.with_name(f"{file.name}.json")
    folder = file.with_name(f".{file.name}.partial") if out is not None else cache_folder() / "embeddings" / job.key
    folder.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with Lock(folder.with_name(f"{folder.name}.lock")):
        facts = _finished(marker, file, job.key) if resume else None
        if facts is not None:
            terminal.say(f"{file.name} already holds these {facts['rows']:,} rows.")
        else:
            partial = Partial(folder, job.key, len(job.rows), resume)
            known = partial.done
            if known:
                terminal.say(f"going on after {known:,} of {len(job.rows):,} rows")
            _fill(job, partial, batch_size, device, autocast, terminal)
            assert partial.vectors is not None
            facts = _facts(job, partial.vectors.shape[1])
            write(file, _about(job, named=out is not None), partial.vectors, facts)
            atomic_write(marker, json.dumps(facts, indent=1) + "\n")
            partial.discard()
            run.record(computed=len(job.rows) - known)
    run.write_json(
        "results.json", {"kind": "embed", "title": f"Features of {job.data.name}", **facts, "file": file.name}
    )
    run.write_json("left_out.json", [{"id": f"{i:016x}", "reason": reason} for i, reason in job.data.store.left_out])
    run.record(seconds=time.perf_counter() - began, data_fingerprint=job.data.table.fingerprint(), device=str(device))
    return file


def _fill(
    job: _Job, partial: Partial, batch_size: int, device: torch.device, autocast: torch.dtype | None, terminal: Terminal
) -> None:
    projector = None if job.projector is None else job.projector.to(device)
    rest = job.rows[partial.done :]
    saved = time.perf_counter()
    with terminal.bar(f"embedding {job.data.name}") as progress:
        for block in blocks(
            job.encoder, job.data.store, rest,
            device=device, autocast=autocast, layer=job.layer, project=projector, batch_size=batch_size,
        ):  # fmt: skip
            vectors = F.normalize(block, dim=1) if job.normalise else block
            partial.add(vectors.cpu().numpy())
            if time.perf_counter() - saved > _PAUSE:
                partial.keep()
                saved = time.perf_counter()
            progress(partial.done, partial.rows)
    partial.keep()


def _finished(marker: Path, file: Path, key: str) -> dict[str, Any] | None:
    """What the marker beside a finished file says, where it is of ``key``."""
    if not (marker.is_file() and file.is_file()):
        return None
    try:
        facts: dict[str, Any] = json.loads(marker.read_text())
    except ValueError:
        return None
    return facts if facts.get("key") == key else None


def _facts(job: _Job, dim: int) -> dict[str, Any]:
    card = job.encoder.card
    return {
        "key": job.key,
        "rows": len(job.rows),
        "dim": dim,
        "layer": job.layer,
        "normalised": job.normalise,
        "precision": job.precision,
        "architecture": card.architecture,
        "weights": weights_hash(job.encoder),
        "trained_on": card.trained_on,
        "data": job.data.name,
        "left_out": len(job.data.store.left_out),
        "warnings": list(job.data.table.warnings),
    }


def _about(job: _Job, named: bool) -> pd.DataFrame:
    """What is known of each row. Paths, relative to the root, only in a file the user named."""
    table = job.data.table
    at = job.data.table_rows(job.rows)
    frame = table.frame.iloc[at].reset_index(drop=True)
    about = frame[["id"]].assign(id=[f"{int(i):016x}" for i in frame["id"]])
    if named:
        about["uri"] = [_relative(str(uri), table.root) for uri in frame["uri"]]
        about["frame"] = frame["frame"]
    for column in ("subject", "split", *(c for c in frame.columns if c.startswith("label."))):
        if column in frame:
            about[column] = frame[column]
    return about


def _relative(uri: str, root: str) -> str:
    path = Path(uri)
    if root and path.is_absolute() and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return uri


def _rows(data: DataSet, split: str | None) -> NDArray[np.int64]:
    rows = data.rows(split)
    if len(rows):
        return rows
    counts = {name: len(data.rows(name)) for name in ("train", "val", "test", "")}
    have = ", ".join(f"{name or 'no split'}: {count}" for name, count in counts.items() if count) or "no readable image"
    raise UserError(f"{data.name} has no readable image in the split {split!r}. It has {have}.")


def _encoder(encoder: str | Path | Encoder, weights: str | None, code: str | Path | None) -> Encoder:
    if isinstance(encoder, Encoder):
        return encoder
    options: dict[str, Any] = {} if weights is None else {"weights": weights}
    return load_encoder(encoder, code=code, **options)


def _projector(encoder: str | Path | Encoder, layer: str) -> MLP | None:
    if layer != "projected":
        return None
    folder = None if isinstance(encoder, Encoder) else encoder_folder(encoder)
    found = None if folder is None else load_projector(folder)
    if found is None:
        raise UserError(
            "There is no projector to make projected vectors with: a pretraining whose method has one writes it as "
            "projector.safetensors beside its encoder. Give such a run, or use --layer pooled or the name of a layer."
        )
    return found


def _settings(encoder: Encoder) -> StoreSettings:
    channels = encoder.card.channels
    size = round(MARGIN * max(encoder.card.size))
    return StoreSettings(size=size, channels=channels if channels in (1, 3) else "keep")  # type: ignore[arg-type]
