"""Few-shot from one pass over the images, against forwarding the 70 images of every episode again, as the original does.

662 images of 224 px (slices of a real head, cut and turned, of two neighbouring levels), ResNet-50 in evaluation mode, 2-way, 20-shot,
15 queries. Twenty episodes are really forwarded again, and have to be right equally often; their time is scaled to 600. Decoding is in neither
side: the original too holds its images in memory. Cold: our 662 forwards and all 600 episodes with their intervals. Warm: the same with
the features in the cache. ``--small``: fewer and smaller images and a small network, to see that it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vesalius.encoders import build_encoder, save_encoder
from vesalius.evaluate.asked import Asked
from vesalius.evaluate.cells import Cells
from vesalius.evaluate.config import configured
from vesalius.evaluate.pairs.opening import opened
from vesalius.evaluate.pairs.pair import Pair
from vesalius.evaluate.protocols import few_shot
from vesalius.features.one_pass import evaluation_views
from vesalius.measures.episodes import Episodes
from vesalius.runs import Run
from vesalius.terminal import Terminal
from vesalius.training.memory import keep_freed_memory
from vesalius.views.drawing import drawn

EPISODES, AGAIN = 600, 20


def images(folder: Path, count: int, side: int) -> None:
    """``count`` pictures in the folders ``above`` and ``below``."""
    from nilearn.datasets import load_mni152_template

    head, rng = np.asarray(load_mni152_template(resolution=1).dataobj, np.float32), np.random.default_rng(0)
    head = head / head.max()
    for number in range(count):
        above = number % 2
        level = int(rng.integers(70, 86)) + 14 * above
        size = int(rng.integers(120, 170))
        x, y = (int(rng.integers(0, extent - size)) for extent in head.shape[:2])
        cut = 255 * (head[x : x + size, y : y + size, level] + 0.05 * rng.normal(size=(size, size)))
        picture = Image.fromarray(cut.clip(0, 255).astype(np.uint8)).rotate(float(rng.normal(0, 5))).resize((side, side))
        place = folder / ("above" if above else "below")
        place.mkdir(parents=True, exist_ok=True)
        picture.save(place / f"{number:03d}.png")


def pair_of(folder: Path) -> Pair:
    """The encoder on the images, decoded."""
    terminal = Terminal(quiet=True)
    config = configured("few-shot", (), {"replicates": 2000, "split.test": 0.2}, [str(folder / "encoder")], [str(folder / "images")])
    panel, run = opened(config, terminal), Run.create("evaluate", "few-shot", {}, folder / "run", device="cpu")
    asked = Asked((), run, Cells(run.path), torch.device("cpu"), None, config.seed, 64, terminal, config.replicates, panel=panel)
    return next(asked.pairs())


def naive(encoder: torch.nn.Module, pixels: torch.Tensor, episodes: Episodes, number: int) -> tuple[float, torch.Tensor]:
    """One episode as the original runs it: support and query in one batch; its accuracy and the squared distances."""
    support, query = (torch.from_numpy(part[number]) for part in (episodes.support, episodes.query))
    batch = pixels[torch.cat([support.flatten(), query.flatten()])].contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        vectors = encoder(batch).pooled.flatten(1)
    means = vectors[: support.numel()].view(*support.shape, -1).mean(1)
    distances = ((vectors[support.numel() :, None] - means[None]) ** 2).sum(2)
    truth = torch.arange(len(query)).repeat_interleave(query.shape[1])
    return float((distances.argmin(1) == truth).double().mean()), distances


def distances_of(vectors: torch.Tensor, episodes: Episodes, number: int) -> torch.Tensor:
    """The same from features that are there."""
    support, query = (torch.from_numpy(part[number]) for part in (episodes.support, episodes.query))
    return ((vectors[query.flatten()][:, None] - vectors[support].mean(1)[None]) ** 2).sum(2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--again", type=int, default=AGAIN, help="episodes that are really forwarded again")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    small = given.small
    torch.set_num_threads(given.threads)
    keep_freed_memory()  # as the verb does; for both sides
    count, side = (120, 32) if small else (662, 224)
    with tempfile.TemporaryDirectory() as place:
        os.environ["VESALIUS_CACHE"] = f"{place}/cache"
        folder = Path(place)
        images(folder / "images", count, side)
        network = {"width": 0.125, "stem": "small"} if small else {"stem": "standard"}
        save_encoder(build_encoder("resnet18" if small else "resnet50", channels=1 if small else 3, size=(side, side), **network), folder / "encoder")
        compare(pair_of(folder), small, given.again)


def compare(pair: Pair, small: bool, forwarded: int) -> None:
    """Print two lines."""
    config = few_shot.Config(way=2, shot=20, queries=15, episodes=EPISODES)
    encoder, views, rows = pair.encoder.encoder, evaluation_views(pair.encoder.card), pair.split("all").rows
    began = time.perf_counter()
    found = few_shot.measure(config, pair)
    cold = time.perf_counter() - began
    warm = []
    for _ in range(5):
        few_shot._drawn.cache_clear()
        began = time.perf_counter()
        again = few_shot.measure(config, pair)
        warm.append(time.perf_counter() - began)
        assert torch.equal(again.values["accuracy"].repeats, found.values["accuracy"].repeats)
    drawings = [drawn(views, pair.data.store, rows[start : start + 64]) for start in range(0, len(rows), 64)]
    pixels = torch.cat([views.apply(pair.data.store.read(one.rows, one.windows), one).views["image"].flatten(0, 1) for one in drawings])
    episodes, vectors, seconds, equal, apart = few_shot.pool(config, pair).episodes, pair.features("all"), [], 0, 0.0
    naive(encoder, pixels, episodes, 0)  # once to warm up
    for number in range(forwarded):
        began = time.perf_counter()
        accuracy, distances = naive(encoder, pixels, episodes, number)
        seconds.append(time.perf_counter() - began)
        equal += accuracy == float(found.values["accuracy"].repeats[number])
        apart = max(apart, float(((distances_of(vectors, episodes, number) - distances).abs() / distances).max()))
    peer, card = float(np.mean(seconds)) * EPISODES, pair.encoder.card
    about = {
        "unit": "s",
        "setting": f"{len(rows)} images x {EPISODES} episodes of 70, {card.architecture}, {card.size[0]} px, {torch.get_num_threads()} threads;"
        f" peer: scaled from {forwarded} episodes",
        "equal_episodes": equal,
        "episodes_forwarded": forwarded,
        "largest_relative_difference_of_distances": float(f"{apart:.2g}"),
        "accuracy": round(found.values["accuracy"].value, 4),
        **({"small": True} if small else {}),
    }
    for name, ours in (("cold", cold), ("warm", min(warm))):
        print(json.dumps({"name": f"few-shot, {name}", "ours": round(ours, 3), "peer": round(peer, 1), "ratio": round(peer / ours, 1), **about}))


if __name__ == "__main__":
    main()
