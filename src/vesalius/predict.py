"""``vesalius predict``: what a fine-tuned run says of new images, one row per readable image."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.dataset import DataSet, open_data, resolve
from vesalius.data.filtering import Filter
from vesalius.data.uncertain import Policy
from vesalius.encoders.saving import tensor_bytes, weights_hash
from vesalius.errors import UserError
from vesalius.features import blocks, identity
from vesalius.features.one_pass import precision_of
from vesalius.features.records import about, chosen, left_out, prepared, store_for
from vesalius.features.resumable import compute
from vesalius.files import atomic_write, cache_folder
from vesalius.result import Result
from vesalius.runs import Run
from vesalius.segment_volumes import Segmenting, segment, segments
from vesalius.tasks.classifier import Classifier
from vesalius.tasks.distribution import distribution
from vesalius.tasks.finished import finished
from vesalius.tasks.predictions import answers_by_name
from vesalius.terminal import Terminal
from vesalius.training.memory import keep_freed_memory
from vesalius.training.precision import autocast_type
from vesalius.training.world import pick_device

if TYPE_CHECKING:
    import pandas as pd

    from vesalius.data.table import SampleTable

_SUFFIXES = (".parquet", ".csv")
_NAMED = 10
"""Unreadable images that the terminal names."""


class PredictResult(Result):
    """A prediction's run. ``file``: the table; ``table``: the same, in memory."""

    def __init__(self, path: Path, file: Path) -> None:
        super().__init__(path)
        self.file = file

    @property
    def table(self) -> pd.DataFrame:
        """A row per image."""
        import pandas as pd

        return pd.read_csv(self.file) if self.file.suffix == ".csv" else pd.read_parquet(self.file)

    def _repr_html_(self) -> str:
        from html import escape

        facts = self.results
        return f"<p><b>{escape(self.file.name)}</b>: {facts['rows']:,} images, {facts['left_out']:,} unreadable ones left out</p>"


def predict(
    run: str | Path,
    data: str | SampleTable,
    *,
    out: str | Path | None = None,
    split: str | None = None,
    task: str | None = None,
    uncertain: Policy | None = None,
    filter: Filter | None = None,
    batch_size: int = 256,
    device: str = "auto",
    precision: str = "fp32",
    code: str | Path | None = None,
    probabilities: bool = False,
    resume: bool = True,
    quiet: bool = False,
) -> PredictResult:
    """Probabilities, or quantities, for the images of ``data`` by the fine-tuned ``run``; by one that segments, label volumes.

    ``out``: FILE.parquet or FILE.csv, with paths relative to the data's root; by default ``predictions.parquet`` in a new
    run, with ids only. An image that cannot be read, or has other channels than the encoder takes, is named, listed in
    ``left_out.json`` (beside a FILE of the user's in FILE.left_out.csv, by path) and left out; the rest is predicted. Killed
    work is gone on with when the same call is made again, unless ``resume`` is False. ``split``, ``filter``: only these rows. ``task``,
    ``uncertain``: of the labels the images have, which stand beside the answers. ``code``:
    the file of a network of the user's own.

    Of a run that segments ``out`` is a folder: ``sub/NAME_seg.nii.gz`` for ``sub/NAME.nii.gz``, on the scan's voxels, in its format
    (NIfTI for DICOM), ``volumes.csv`` with the volume of each class in ml, ``preview.png``; with ``probabilities`` also ``NAME_prob``. By
    default they are in the new run, by id. Scans that are segmented already are passed over. Raises UserError, TooManyBadFiles where no
    image can be read, NoRoom.
    """
    terminal = Terminal(quiet=quiet)
    file = None if out is None else Path(out)
    if segments(run):
        if task is not None or uncertain is not None:
            raise UserError("task and uncertain are of labels beside the answers, and this run segments volumes. Leave them out.")
        keep_freed_memory()
        place = pick_device(device)
        how = Segmenting(place, autocast_type(precision, place), probabilities, resume, terminal)
        path, written = segment(run, data, how, out=file, split=split, filter=filter, code=code, name_left_out=_name_left_out)
        return PredictResult(path, written)
    finished(run, "classifier")
    if probabilities:
        raise UserError("probabilities is for runs that segment volumes; the table of a classifier holds them anyway. Leave it out.")
    if file is not None and file.suffix not in _SUFFIXES:
        raise UserError(f"{file.name} ends in {file.suffix or 'nothing'}. Name a file ending in {' or '.join(_SUFFIXES)}.")
    if batch_size < 1:
        raise UserError(f"batch_size is {batch_size}; it must be at least 1.")
    keep_freed_memory()
    place = pick_device(device)
    autocast = autocast_type(precision, place)
    model = Classifier.load(run, code=code)
    dims: Literal[2, 3] | None = 3 if len(model.encoder.card.size) == 3 else None
    table = resolve(data, task=task, uncertain=uncertain, filter=filter, least=1, dims=dims, terminal=terminal)
    opened: DataSet = open_data(table.source, table, store_for(model.encoder, table), terminal, max_bad_share=1.0)
    _name_left_out(opened, terminal)
    rows = chosen(opened, split)
    config = {
        "run": str(run), "data": data if isinstance(data, str) else table.source, "split": split,
        "task": task, "uncertain": uncertain, "filter": filter,
        "precision": precision_of(autocast), "batch_size": batch_size,
    }  # fmt: skip
    made = Run.create("predict", table.source, config)
    try:
        written = _predict(model, opened, rows, file, made, config["precision"], batch_size, place, autocast, resume, terminal)
    except BaseException:
        made.finish("failed")
        raise
    made.finish("done")
    return PredictResult(made.path, written)


def _predict(
    model: Classifier,
    data: DataSet,
    rows: NDArray[np.int64],
    out: Path | None,
    run: Run,
    precise: Any,
    batch_size: int,
    device: torch.device,
    autocast: torch.dtype | None,
    resume: bool,
    terminal: Terminal,
) -> Path:
    key, began = _key(model, data, rows, str(precise)), time.perf_counter()
    file = out if out is not None else run.path / "predictions.parquet"
    scratch = file.with_name(f".{file.name}.partial") if out is not None else cache_folder() / "predictions" / key
    model.to(device)

    def batches(start: int) -> Iterator[Tensor]:
        for pooled in blocks(model.encoder, data.store, rows[start:], device=device, autocast=autocast, batch_size=batch_size):
            with torch.no_grad():
                yield model.cooled(model.head_logits(pooled))

    def finish(outputs: NDArray[np.float32]) -> dict[str, Any]:
        _write(file, about(data, rows, named=out is not None).assign(**answers_by_name(model.task, outputs)))
        if out is not None and data.store.left_out:
            _write(out.with_name(f"{out.stem}.left_out.csv"), _left_out_by_name(data))
        return {
            "rows": len(rows), "task": model.task.as_dict(), "temperature": model.temperature, "precision": precise,
            "weights": weights_hash(model.encoder), "data": data.public, "left_out": len(data.store.left_out),
            "warnings": list(data.table.warnings), "distribution": distribution(model.task, outputs),
        }  # fmt: skip

    doing = f"predicting {data.name}"
    facts, computed = compute(file, scratch, key, len(rows), batches, finish, doing=doing, resume=resume, terminal=terminal)
    run.write_json("results.json", {"kind": "predict", "title": f"Predictions for {data.public}", **facts, "file": file.name})
    run.write_json("left_out.json", left_out(data))
    seconds = time.perf_counter() - began
    run.record(computed=computed, seconds=seconds, data_fingerprint=data.table.fingerprint(), device=str(device))
    return file


def _key(model: Classifier, data: DataSet, rows: NDArray[np.int64], precision: str) -> str:
    """Everything the numbers depend on, in 32 digits."""
    facts = (*identity(model.encoder), model.temperature, precision, model.task.as_dict())
    state = blake2b(repr(facts).encode(), digest_size=16)
    state.update(tensor_bytes(model.head.state_dict()))
    state.update(np.ascontiguousarray(data.store.ids[rows]).tobytes())
    state.update("".join(data.store.digests[rows]).encode())
    state.update(prepared(data.store.settings).encode())
    return state.hexdigest()


def _write(file: Path, frame: pd.DataFrame) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".csv":
        atomic_write(file, frame.to_csv(index=False, float_format="%.9g"))
        return
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    atomic_write(file, buffer.getvalue())


def _left_out_by_name(data: DataSet) -> pd.DataFrame:
    import pandas as pd

    reasons = {f"{i:016x}": reason for i, reason in data.store.left_out}
    frame = data.table.frame
    ids = [f"{int(i):016x}" for i in frame["id"]]
    rows = [(i, str(uri), int(number), reasons[i]) for i, uri, number in zip(ids, frame["uri"], frame["frame"], strict=True) if i in reasons]
    return pd.DataFrame(rows, columns=["id", "uri", "frame", "reason"])


def _name_left_out(data: DataSet, terminal: Terminal) -> None:
    """Name what could not be read, on the terminal."""
    if not data.store.left_out:
        return
    lost = _left_out_by_name(data)
    for uri, reason in zip(lost["uri"][:_NAMED], lost["reason"][:_NAMED], strict=True):
        terminal.say(f"Left out {uri}: {reason}")
    if len(lost) > _NAMED:
        terminal.say(f"... and {len(lost) - _NAMED:,} more; all are in left_out.json.")
