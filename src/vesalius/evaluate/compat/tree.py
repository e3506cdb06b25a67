"""The files of SSL_medicalimaging in the places where it wrote them, from what the protocols left in the run."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vesalius.evaluate.compat.logs import own
from vesalius.files import atomic_write

COVARIANCES = "misc/invariances/covmatrices"
Copied = tuple[str, str]
"""A file of the run, and what the original calls it; both are relative to the run."""


def write_tree(folder: Path, results: Mapping[str, Any]) -> list[Path]:
    """``saliency_maps/MODEL/DATASET/{heatmap,superimposed}.png``, of several images ``ID-heatmap.png``; ``reconstructed_images/MODEL/MODEL_True_ID.png``;
    ``results/perceptual-distance/NET.csv``; and ``misc/invariances/covmatrices/MODEL_DATASET_{mean_feature,feature_cov_matrix}.pth``, a tensor each,
    which ``torch.load`` reads with ``weights_only``. In ``folder``, the run's; returns what was written.
    """
    written = []
    for source, target in _copied(results):
        file = folder / target
        if (folder / source).is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            content = (folder / source).read_bytes()
            atomic_write(file, _saved(content) if file.suffix == ".pth" else content)
            written.append(file)
    return written


def _copied(results: Mapping[str, Any]) -> Iterator[Copied]:
    maps = own(results, "saliency", "pictures")
    many = Counter((row["model"], row["key"]) for row in maps)
    for row in maps:
        before = f"{row['id']}-" if many[row["model"], row["key"]] > 1 else ""
        for kind, name in (("heat", "heatmap"), ("overlay", "superimposed")):
            if row.get(kind):
                yield row[kind], f"saliency_maps/{row['model']}/{row['key']}/{before}{name}.png"
    for row in own(results, "reconstruction", "pictures"):
        if row.get("image"):
            yield row["image"], f"reconstructed_images/{row['model']}/{row['model']}_True_{row['id']}.png"
    for table in (results.get("perceptual_distance") or {}).get("tables", ()):
        yield table, f"results/perceptual-distance/{Path(table).name}"
    for protocol in ("invariance", "multiview-invariance"):
        for row in own(results, protocol, "chosen"):
            for file in row.get("files", ()):
                yield file, f"{COVARIANCES}/{row['model']}_{row['key']}_{Path(file).stem}.pth"


def _saved(content: bytes) -> bytes:
    """The one tensor of a safetensors file as ``torch.save`` writes it."""
    import torch
    from safetensors.torch import load

    (tensor,) = load(content).values()
    buffer = io.BytesIO()
    torch.save(tensor, buffer)
    return buffer.getvalue()
