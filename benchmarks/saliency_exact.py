"""Exact saliency by occlusion, stride 1: ours against the original's loop of one image at a time, on ResNet-18 of random weights at 242 pixels.

The original's (SSL_medicalimaging's ``saliency.py``, written here from its description): for each place of the window a copy of the image with 0 in
the window, one pass of a batch of one without gradients, the distance of the features, and an addition to the pixels below. Ours scores
places from all over the grid, whole pieces of it as an evaluation does. Each side is timed on ``--positions`` places (500 at least, and not
under ten seconds of work with ``--full``), in turns, the better turn of each counts; both are scaled to the 54,289 places of a map. Two rows:
fp32, and the precision ``auto`` takes here, for ours alone: the original knew fp32 only. On the same places scores must agree.
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from vesalius.encoders import build_encoder
from vesalius.evaluate.occluded.scanning import Scanner
from vesalius.features.one_pass import precision_of
from vesalius.training.precision import autocast_type

SIDE, WINDOW, PLACES, BATCH = 242, 10, 233 * 233, 32


def original(network: torch.nn.Module, image: torch.Tensor, places: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Seconds, and the score of each place (upper left pixel)."""
    heat = torch.zeros(SIDE, SIDE)
    scores = torch.zeros(len(places))
    began = time.perf_counter()
    with torch.no_grad():
        features = network(image)
        for number, (i, j) in enumerate(places.tolist()):
            occluded = image.clone()
            occluded[:, :, i : i + WINDOW, j : j + WINDOW] = 0
            distance = torch.norm(features - network(occluded)) / torch.norm(features)
            heat[i : i + WINDOW, j : j + WINDOW] += distance
            scores[number] = distance
    return time.perf_counter() - began, scores


def ours(scanner: Scanner, places: torch.Tensor) -> tuple[float, torch.Tensor]:
    """The same."""
    began = time.perf_counter()
    scores = torch.cat([scanner.scores(some + WINDOW - 1) for some in places.split(BATCH)])
    return time.perf_counter() - began, scores


def drawn(count: int) -> torch.Tensor:
    """``count`` places: runs of a batch, in the order of a scan, from all over the grid."""
    starts = torch.linspace(0, PLACES - BATCH, -(-count // BATCH)).long()
    flat = (starts[:, None] + torch.arange(BATCH)).flatten()[:count]
    return torch.stack([flat // 233, flat % 233], 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="five turns of 1,500 places")
    parser.add_argument("--positions", type=int, default=0)
    parser.add_argument("--turns", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    count, turns = given.positions or (1500 if given.full else 512), given.turns or (5 if given.full else 3)
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    encoder = build_encoder("torchvision:resnet18", channels=3, size=(SIDE, SIDE)).eval()
    image = torch.randn(1, 3, SIDE, SIDE)
    places = drawn(count)
    auto = autocast_type("auto", torch.device("cpu"))
    began = time.perf_counter()
    scanners = {"fp32": Scanner(encoder, image, WINDOW, torch.zeros(3))}
    prepared = time.perf_counter() - began
    scanners["auto"] = scanners["fp32"] if auto is None else Scanner(encoder, image, WINDOW, torch.zeros(3), auto)
    times: dict[str, list[float]] = {"original": [], "fp32": [], "auto": []}
    for _ in range(turns):
        spent, true = original(encoder.network, image, places)
        times["original"].append(spent)
        for name, scanner in scanners.items():
            spent, found = ours(scanner, places)
            times[name].append(spent)
            if name == "fp32":
                away = float((found - true).abs().max())
    whole = {name: min(spent) / count * PLACES / 60 for name, spent in times.items()}
    for name in ("fp32", "auto"):
        line = {
            "name": f"saliency, exact, stride 1, {name}, against the original's loop of one image at a time",
            "ours": round(whole[name], 2),
            "peer": round(whole["original"], 2),
            "ratio": round(whole["original"] / whole[name], 2),
            "unit": "minutes a map",
            "setting": f"ResNet-18, {SIDE} px, {PLACES:,} places, scaled from {count:,} on each side, {given.threads} threads",
            "precision": precision_of(auto if name == "auto" else None),
            "positions_timed": count,
            "seconds_to_prepare": round(prepared, 2),
        }
        print(json.dumps({**line, **({"scores_differ_by": float(f"{away:.2g}")} if name == "fp32" else {})}))


if __name__ == "__main__":
    main()
