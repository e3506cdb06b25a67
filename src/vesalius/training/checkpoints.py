"""Checkpoints: directories of safetensors and JSON, published by one rename, each with its checksums.

``step-00000120/`` holds the method's state, the optimizer's keyed by parameter name, the monitors' and the step:
everything else of a run is a function of them. The encoder's card lies beside them, so that an encoder can be had of a
run that is not done. The newest two are kept; a newest one that is damaged is passed over,
loudly, for the one before.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vesalius.encoders.saving import CARD
from vesalius.errors import UserError
from vesalius.files import atomic_folder, checksum, sweep_leftovers
from vesalius.training.method import Method
from vesalius.training.optimizers import Stepper

KEEP = 2


def save(
    folder: Path,
    step: int,
    method: nn.Module,
    stepper: Stepper,
    monitors: Mapping[str, Tensor],
    record: Mapping[str, Any],
    *,
    name: str | None = None,
    keep: int = KEEP,
) -> Path:
    """Write ``folder/step-<step>`` (or ``folder/name``) and forget all but the newest ``keep``.

    ``record``: small JSON values of the loop (best so far). Raises NoRoom when the disk is full; no earlier checkpoint
    is touched before the new one is complete.
    """
    target = folder / (name or f"step-{step:08d}")
    folder.mkdir(parents=True, exist_ok=True)
    sweep_leftovers(folder)
    with atomic_folder(target) as temporary:
        parts = {"method": method.state_dict(), "optimizer": stepper.state() if step else {}, "monitors": dict(monitors)}
        sums = {}
        for part, tensors in parts.items():
            file = temporary / f"{part}.safetensors"
            _write(tensors, file)
            sums[file.name] = checksum(file)
        state: dict[str, Any] = {"step": step, "record": dict(record), "sha256": sums}
        if isinstance(method, Method) and method.exports():
            encoder = next(iter(method.exports().values()))
            state["encoder"] = next(name for name, part in method.named_modules() if part is encoder.network)
            (temporary / CARD).write_text(encoder.card.model_dump_json(indent=2) + "\n")
            sums[CARD] = checksum(temporary / CARD)
        (temporary / "state.json").write_text(json.dumps(state, indent=1))
    if name is None:
        for old in sorted(folder.glob("step-*"))[:-keep]:
            shutil.rmtree(old, ignore_errors=True)
    return target


def _write(tensors: Mapping[str, Tensor], file: Path) -> None:
    try:
        save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, file)
    except SafetensorError as error:  # a full disk comes as text
        if number := re.search(r"os error (\d+)", str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
        raise


def newest(folder: Path, complain: Callable[[str], None]) -> Path | None:
    """The newest checkpoint in ``folder`` whose files are whole; says what it passes over."""
    for candidate in sorted(folder.glob("step-*"), reverse=True):
        fault = damage(candidate)
        if fault is None:
            return candidate
        complain(f"The checkpoint {candidate.name} is damaged ({fault}); the one before it is used.")
    return None


def damage(checkpoint: Path) -> str | None:
    """What is wrong with ``checkpoint``, or None."""
    try:
        state = json.loads((checkpoint / "state.json").read_text())
        for name, digest in state["sha256"].items():
            if checksum(checkpoint / name) != digest:
                return f"{name} does not match its checksum"
    except (OSError, ValueError, KeyError) as error:
        return f"{type(error).__name__} while reading it"
    return None


def load(
    checkpoint: Path, method: nn.Module, stepper: Stepper
) -> tuple[int, dict[str, Tensor], dict[str, Any]]:
    """Put ``checkpoint`` into ``method`` and ``stepper``; returns the step, the monitors' state and the record.

    Raises UserError when its tensors are not those of ``method``.
    """
    state = json.loads((checkpoint / "state.json").read_text())
    tensors = load_file(checkpoint / "method.safetensors")
    mine = method.state_dict()
    if tensors.keys() != mine.keys() or any(tensors[k].shape != mine[k].shape for k in mine):
        odd = sorted(tensors.keys() ^ mine.keys()) or [k for k in mine if tensors[k].shape != mine[k].shape]
        raise UserError(
            f"The checkpoint {checkpoint.name} does not fit this method: {len(odd)} tensor(s) differ, first {odd[0]}. "
            "Resume with the configuration the run was started with (its config.yaml)."
        )
    with torch.no_grad():
        for key, value in mine.items():
            value.copy_(tensors[key])
    stepper.load_state(load_file(checkpoint / "optimizer.safetensors"))
    return int(state["step"]), load_file(checkpoint / "monitors.safetensors"), dict(state["record"])
