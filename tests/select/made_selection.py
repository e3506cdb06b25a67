"""A selection of small pictures without an encoder: what is described and reported in tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vesalius.data.dataset import DataSet, open_data, resolve
from vesalius.data.settings import StoreSettings
from vesalius.runs import Run
from vesalius.select.candidates import Candidates
from vesalius.select.describing import Asked, describe
from vesalius.select.picks import Picks
from vesalius.select.selected import Selected
from vesalius.select.values import Classes, Numbers
from vesalius.terminal import Terminal

CLASSES = ("platelet", "red cell", "white cell")


@dataclass(frozen=True)
class Made:
    """``data`` and the ``selected`` of them."""

    data: DataSet
    selected: Selected


def made(folder: Path, count: int = 160, n: int = 24, side: int = 40) -> Made:
    """``count`` pictures of three classes, of which the rarest come first; ``n`` are chosen farthest first."""
    rng = np.random.default_rng(0)
    labels = np.minimum(2, rng.geometric(0.6, count) - 1)
    for number, label in enumerate(labels):
        place = folder / CLASSES[2 - label].replace(" ", "-")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(cell(int(2 - label), rng, side)).save(place / f"secret-name-{number:03d}.png")
    quiet = Terminal(quiet=True)
    table = resolve(str(folder), least=1, terminal=quiet)
    names = table.frame["uri"].to_numpy(dtype=np.str_)
    order = np.argsort(names)
    table = table.subset(order)
    data = open_data("cells", table, StoreSettings(side, 3), quiet)
    known = table.labels(table.label_names[0])
    vectors = (rng.normal(size=(count, 8)) * 0.35 + 1.5 * np.eye(8)[known.astype(int)]).astype(np.float32)
    vectors[7] = vectors[9] + 0.001
    candidates = Candidates(names[order], vectors, frame=table.frame, seed=1)
    rows, gains, near = _farthest(vectors, n)
    reasons = [{"diversity": {"gain": round(float(g), 3)}} for g in gains]
    picks = Picks(rows, gains, near, np.where(near < 0, np.nan, gains), reasons)
    plane = vectors[:, :2] / np.abs(vectors[:, :2]).max()
    name = table.label_names[0]
    classes = {name: tuple(table.class_names[name])}
    return Made(data, Selected("cells", candidates, picks, labels={name: known}, class_names=classes, map=plane.astype(np.float32), encoder="resnet18"))


def cell(kind: int, rng: np.random.Generator, side: int) -> np.ndarray:
    """A round thing on a pale ground: small and violet, red, or large with a dark kernel."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    radius = (0.13, 0.3, 0.4)[kind] * rng.uniform(0.85, 1.15)
    away = np.hypot(x - rng.normal(0, 0.04), (y - rng.normal(0, 0.04)) * rng.uniform(0.85, 1.15))
    inside = np.clip((radius - away) * side / 2, 0, 1)[..., None]
    colour = np.array([(150, 90, 170), (205, 110, 105), (190, 170, 205)][kind]) + rng.normal(0, 8, 3)
    picture = np.array([236, 226, 222]) * (1 - inside) + colour * inside
    if kind == 2:
        kernel = np.clip((0.24 - np.hypot(x - 0.05, y + 0.03)) * side / 2, 0, 1)[..., None]
        picture = picture * (1 - kernel) + np.array([95, 45, 140]) * kernel
    return np.clip(picture + rng.normal(0, 5, picture.shape), 0, 255).astype(np.uint8)


def run_of(one: Made, folder: Path, **more: Any) -> Run:
    """A run as the verb leaves it, described."""
    run = Run.create("select", "cells", {"data": "cells", "seed": 1, "selection": {"n_samples": len(one.selected.picks)}}, folder)
    sharp = np.linspace(1, 30, len(one.selected.candidates)) ** 1.2
    amounts = np.stack([np.arange(len(sharp)) % 5, np.arange(len(sharp)) % 3 == 0], 1).astype(float)
    values = (Numbers(sharp, "metadata lightly.sharpness"), Classes(("red cells", "platelets"), amounts, "predictions cells"))
    found = describe(one.selected, run, one.data, Asked(values=values, map_method="t-SNE"))
    twins = [{"id": f"{int(one.data.store.ids[4]):016x}", "of": f"{int(one.data.store.ids[5]):016x}"}]
    run.write_json("duplicates.json", twins)
    run.write_json("left_out.json", [{"id": "00000000000000aa", "reason": "truncated file"}])
    stages = {name: {"state": "done", "seconds": s, "facts": {}} for name, s in (("embed", 41.2), ("select", 1.3), ("report", 2.0))}
    stages = {"train": {"state": "left out", "why": "not asked for"}, **stages}
    run.write_json("stages.json", stages)
    strategies = [{"title": "diversity", "input": "embeddings", "strategy": "diversity", "fields": {"strength": 1.0}}]
    rounds = [{"round": 1, "time": "2026-11-02T10:00:00+00:00", "encoder": "a1b2", "dim": 512, "selected": 20, "looked_at": 120, "embedded_again": False}]
    said = {"strategies": strategies, "datapool": rounds, "warnings": ["1 file could not be read."], **more}
    run.write_json("results.json", {"kind": "select", "title": "Cells to label next", **found, **said})
    run.finish("done")
    return run


def shortened(one: Made, n: int) -> Made:
    """The first ``n`` picks alone."""
    picks = one.selected.picks
    few = Picks(picks.rows[:n], picks.gain[:n], picks.nearest[:n], picks.distance[:n], list(picks.reasons)[:n], "every image is chosen")
    return Made(one.data, replace(one.selected, picks=few))


def results(run: Run) -> dict[str, Any]:
    """What the run's ``results.json`` says."""
    found: dict[str, Any] = json.loads((run.path / "results.json").read_text())
    return found


def _farthest(vectors: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    middle = int(np.linalg.norm(vectors - vectors.mean(0), axis=1).argmin())
    rows, gains, near = [middle], [0.0], [-1]
    away = np.linalg.norm(vectors - vectors[middle], axis=1)
    which = np.full(len(vectors), middle)
    for _ in range(n - 1):
        row = int(away.argmax())
        rows.append(row)
        gains.append(float(away[row]))
        near.append(int(which[row]))
        its = np.linalg.norm(vectors - vectors[row], axis=1)
        which[its < away] = row
        away = np.minimum(away, its)
    return np.array(rows), np.array(gains), np.array(near)
