"""``vesalius export``: an encoder in the layout of another library, loaded there again and compared before it counts."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vesalius.encoders import load_encoder
from vesalius.encoders.agreement import TOLERANCE, Agreement, agreement
from vesalius.encoders.build import sides
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.export_page import facts, readme
from vesalius.encoders.exported import described, without_paths
from vesalius.encoders.loading import encoder_folder
from vesalius.encoders.saving import weights_hash
from vesalius.encoders.twins import NoTwin
from vesalius.errors import Mismatch, UserError
from vesalius.files import atomic_folder, atomic_write
from vesalius.registry import entry, names
from vesalius.terminal import Terminal

_SUFFIXES = (".safetensors", ".onnx", ".pth", ".pt", ".bin", ".json")


@dataclass(frozen=True)
class ExportResult:
    """A finished export. ``path``: its folder; ``file``: the weights in it; ``facts``: what ``export.json`` says."""

    path: Path
    file: Path
    facts: dict[str, Any]

    @property
    def difference(self) -> float:
        """The largest difference between a feature of ours and the target's."""
        return float(self.facts["checked"]["difference"])

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p><b>{escape(str(self.file))}</b> for {escape(self.facts['target'])}: largest difference {self.difference:.1e}</p>"


def export(
    encoder: str | Path | Encoder,
    *,
    to: str,
    out: str | Path | None = None,
    weights: str | None = None,
    size: int | None = None,
    code: str | Path | None = None,
    quiet: bool = False,
) -> ExportResult:
    """Write ``encoder`` for ``to``: ``safetensors``, ``timm``, ``torchvision``, ``monai``, ``nnunet``, ``lightly``, ``onnx`` or ``hf``; reload, compare.

    ``encoder``: a run, a folder, a network's name (then ``weights`` and ``size`` say what to fill it with and the pixels
    per side) or an Encoder, which is left as it is. ``out``: the folder, new or empty; by default ``exports/TARGET``
    beside the encoder, or in the current folder for a name. It holds the weights, ``export.json`` and a ``README.md`` that
    says how to load them, whether mean and deviation are applied inside, and how they were checked. Raises UserError
    where the target has no such architecture and Mismatch where the target's features are not ours; either leaves nothing.
    """
    terminal = Terminal(quiet)
    target = entry("exports", to)
    folder = _folder(encoder, to, out)
    given = _encoder(encoder, weights, size, code)
    reason = target.refusal(given.card)
    if reason:
        raise UserError(_refused(given, to, reason))
    copy = deepcopy(given).to("cpu", torch.float32).eval()
    copy.card = without_paths(given.card.model_copy(update={"weights": weights_hash(copy)}))
    with atomic_folder(folder) as partial:
        try:
            written = target.write(copy, partial)
        except NoTwin as error:
            raise UserError(_refused(given, to, str(error))) from error
        known = facts(to, copy.card, written)
        found = agreement(copy, target.reload(partial, known))
        if not found.good:
            raise Mismatch(_differs(given, to, written.library, found))
        known["checked"] = {
            "difference": found.difference,
            "relative": found.relative,
            "largest_feature": found.largest,
            "tolerance": TOLERANCE,
            "outputs": list(found.outputs),
        }
        atomic_write(partial / "export.json", json.dumps(known, indent=2, ensure_ascii=False) + "\n")
        atomic_write(partial / "README.md", readme(copy.card, written, found))
    terminal.say(
        f"{described(given)} for {to}: largest difference {found.difference:.1e} in {', '.join(found.outputs)} "
        f"(largest feature {found.largest:.3g}). {_standardisation(copy, written.inside)}"
    )
    return ExportResult(folder, folder / written.file, known)


def _standardisation(encoder: Encoder, inside: bool) -> str:
    if not encoder.card.mean:
        return "It takes floats in [0, 1] as they are."
    return "Standardisation is inside." if inside else "Standardisation is yours to do; README.md has the line."


def _folder(encoder: str | Path | Encoder, to: str, out: str | Path | None) -> Path:
    """Where the export goes. Raises UserError where something stands there already."""
    if out is None:
        beside = None if isinstance(encoder, Encoder) else encoder_folder(encoder)
        folder = (Path() if beside is None else beside) / "exports" / to
    else:
        folder = Path(out)
    if folder.suffix.lower() in _SUFFIXES and not folder.is_dir():
        raise UserError(
            f"An export is a folder, with the weights, README.md and export.json in it; {folder} is a file's name. Name a "
            "folder with --out."
        )
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file. Name a folder with --out.")
    inside = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if inside:
        shown = ", ".join(inside[:4]) + (" ..." if len(inside) > 4 else "")
        raise UserError(f"{folder} already holds {shown}. Name another folder with --out, or delete this one first.")
    return folder


def _encoder(encoder: str | Path | Encoder, weights: str | None, size: int | None, code: str | Path | None) -> Encoder:
    if isinstance(encoder, Encoder):
        return encoder
    options: dict[str, Any] = {} if weights is None else {"weights": weights}
    if size is not None:
        options["size"] = sides(str(encoder), size)
    return load_encoder(encoder, code=code, **options)


def _refused(encoder: Encoder, to: str, reason: str) -> str:
    others = [name for name in names("exports") if name != to and not entry("exports", name).refusal(encoder.card)]
    return f"{described(encoder)} cannot be exported to {to}: {reason}. What works for it: --to {', '.join(others)}."


def _differs(encoder: Encoder, to: str, library: str, found: Agreement) -> str:
    return (
        f"The features of {described(encoder)} changed on the way to {to}: loaded again by {library}, the largest difference is "
        f"{found.difference:.1e} beside a largest feature of {found.largest:.3g}, and {TOLERANCE:.0e} of it is allowed. Nothing was "
        "written. Use another target, and report this with the architecture's name and the versions of both packages."
    )
