"""``vesalius embed``: one row of numbers per image, from an encoder's pooled vector, projector or any layer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vesalius.data.dataset import DataSet, open_data, resolve
from vesalius.data.filtering import Filter
from vesalius.data.plan import Plan
from vesalius.data.settings import StoreSettings
from vesalius.data.uncertain import Policy
from vesalius.encoders import load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.loading import by_chance, encoder_folder
from vesalius.encoders.projector import MLP, load_projector
from vesalius.encoders.saving import tensor_bytes, weights_hash
from vesalius.errors import UserError
from vesalius.features import blocks, identity
from vesalius.features.one_pass import precision_of
from vesalius.features.origin import origin
from vesalius.features.records import about, chosen, left_out, prepared, store_for
from vesalius.features.resumable import compute
from vesalius.features.writing import suffix_of, write
from vesalius.files import cache_folder
from vesalius.recipes.segmentation.planning import resolved
from vesalius.result import Result
from vesalius.runs import Run, settled
from vesalius.terminal import Terminal
from vesalius.training.memory import keep_freed_memory
from vesalius.training.precision import autocast_type
from vesalius.training.world import pick_device

if TYPE_CHECKING:
    from vesalius.data.table import SampleTable

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
        state.update(repr((*identity(self.encoder), self.layer, self.normalise, self.precision)).encode())
        state.update(prepared(self.data.store.settings).encode())
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
    task: str | None = None,
    labels: str | None = None,
    uncertain: Policy | None = None,
    filter: Filter | None = None,
    weights: str | None = None,
    code: str | Path | None = None,
    resume: bool = True,
    quiet: bool = False,
) -> EmbedResult:
    """Features of ``data`` by ``encoder``: one row per readable image, in the table's order.

    ``encoder``: a run, a folder, a checkpoint, a network's name (then ``weights`` says which), or an Encoder. ``out``: FILE.parquet,
    .npy (with FILE.ids.csv) or .csv, with paths relative to the data's root; by default ``embeddings.parquet`` in a new
    run, with ids only. ``layer``: pooled (or features), embedding (what
    a projector stands on, of unit length; 32 numbers of a lightly-resnet18), projected, or a module's name. ``normalise``: each row divided by its length.
    ``split``, ``filter``: only these rows. ``task``, ``labels``, ``uncertain``: of the labels that stand beside the vectors.
    ``precision``: fp32, bf16 or auto. Killed work is gone on with when the same call is
    made again, unless ``resume`` is False; finished work is not repeated. Raises UserError, TooManyBadFiles, NoRoom.
    """
    terminal = Terminal(quiet=quiet)
    file = None if out is None else Path(out)
    if file is not None:
        suffix_of(file)
    if batch_size < 1:
        raise UserError(f"batch_size is {batch_size}; it must be at least 1.")
    place = pick_device(device)
    keep_freed_memory()
    autocast = autocast_type(precision, place)
    encoder = encoder if isinstance(encoder, Encoder) else settled(encoder)
    projector = _projector(encoder, layer)
    network, found = opened(
        encoder, data, task=task, labels=labels, uncertain=uncertain, filter=filter, weights=weights, code=code, terminal=terminal
    )  # fmt: skip
    table, precise = found.table, precision_of(autocast)
    job = _Job(network, projector, found, chosen(found, split), layer, normalise, precise)
    config: dict[str, Any] = {
        "encoder": network.card.architecture if isinstance(encoder, Encoder) else encoder,
        "data": data if isinstance(data, str) else table.source,
        "layer": layer,
        "normalise": normalise,
        "split": split,
        "task": task,
        "labels": labels,
        "uncertain": uncertain,
        "filter": filter,
        "weights": weights,
        "code": None if code is None else str(code),
        "precision": precise,
        "batch_size": batch_size,
    }
    made_from = origin({"data": found}, {"encoder": network})
    run = Run.create("embed", table.source, config, data_fingerprint=table.fingerprint(), made_from=made_from)
    try:
        written = _embed(job, file, run, batch_size, place, autocast, resume, terminal)
    except BaseException:
        run.finish("failed")
        raise
    run.finish("done")
    return EmbedResult(run.path, written, network)


def opened(
    encoder: str | Encoder,
    data: str | SampleTable,
    *,
    task: str | None,
    labels: str | None,
    uncertain: Policy | None,
    filter: Filter | None,
    weights: str | None,
    code: str | Path | None,
    terminal: Terminal,
) -> tuple[Encoder, DataSet]:
    """The encoder, and the images as it reads them. Raises UserError, TooManyBadFiles."""
    network = _encoder(encoder, weights, code)
    if isinstance(encoder, str) and (said := by_chance(encoder, weights)):
        terminal.say(said)
    if network.loaded is not None and network.loaded.layout:
        terminal.say(f"{network.card.architecture}: {network.loaded.sentence()}.")
    dims: Literal[2, 3] | None = 3 if len(network.card.size) == 3 else None
    table = resolve(data, task=task, labels=labels, uncertain=uncertain, filter=filter, least=1, dims=dims, terminal=terminal)
    return network, open_data(table.source, table, settings_for(network, table), terminal)


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
    scratch = file.with_name(f".{file.name}.partial") if out is not None else cache_folder() / "embeddings" / job.key
    projector = None if job.projector is None else job.projector.to(device)
    began = time.perf_counter()

    def batches(start: int) -> Iterator[Tensor]:
        for block in blocks(
            job.encoder, job.data.store, job.rows[start:],
            device=device, autocast=autocast, layer=job.layer, project=projector, batch_size=batch_size,
        ):  # fmt: skip
            yield F.normalize(block, dim=1) if job.normalise else block

    def finish(vectors: NDArray[np.float32]) -> dict[str, Any]:
        facts = _facts(job, vectors)
        write(file, about(job.data, job.rows, named=out is not None), vectors, {"key": job.key, **facts})
        return facts

    facts, computed = compute(
        file, scratch, job.key, len(job.rows), batches, finish, doing=f"embedding {job.data.name}", resume=resume, terminal=terminal
    )
    run.write_json("results.json", {"kind": "embed", "title": f"Features of {job.data.name}", **facts, "file": file.name})
    run.write_json("left_out.json", left_out(job.data))
    seconds = time.perf_counter() - began
    run.record(computed=computed, seconds=seconds, device=str(device))
    return file


def settings_for(encoder: Encoder, table: SampleTable) -> StoreSettings | Plan:
    """How the encoder's card says that images are stored; of volumes, where it says nothing, the data's own plan."""
    known = store_for(encoder, table)
    if isinstance(known, StoreSettings) or encoder.card.plan is not None:
        return known
    return resolved({"patch": known.patch}, None, table)[0]


def _facts(job: _Job, vectors: NDArray[np.float32]) -> dict[str, Any]:
    card = job.encoder.card
    return {
        "rows": len(job.rows),
        "dim": vectors.shape[1],
        "sha256": sha256(np.ascontiguousarray(vectors).data).hexdigest(),
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
