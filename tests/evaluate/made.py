"""A pair without images: features drawn from classes, as the protocols of frozen features see them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch

from vesalius.data.task import TaskSpec
from vesalius.evaluate.pairs.pair import Pair, Split
from vesalius.terminal import Terminal


class Drawn(Pair):
    """``features`` and ``labels`` by split; ``subject`` in twos; ``maps`` (n, D, 3, 3) where the class shows in one place alone."""

    def __init__(
        self,
        kind: str = "classes",
        classes: int = 3,
        counts: tuple[int, int, int] = (240, 60, 90),
        dim: int = 12,
        apart: float = 1.5,
        seed: int = 0,
        compat: str = "none",
        replicates: int = 100,
    ) -> None:
        rng = np.random.default_rng(seed)
        asked: Any = SimpleNamespace(
            device=torch.device("cpu"), autocast=None, seed=1, replicates=replicates, batch_size=64, compat=compat, subgroups=(), terminal=Terminal(quiet=True)
        )
        table = SimpleNamespace(subjects=np.arange(sum(counts)), task=None)
        super().__init__(SimpleNamespace(name="drawn", baseline=False, key=f"{seed}"), SimpleNamespace(table=table), "clouds", asked)  # type: ignore[arg-type]
        names = tuple(f"c{i}" for i in range(classes))
        labels = names if kind == "multilabel" else ("what",)
        metric = "accuracy" if kind == "classes" else "roc_auc"
        self.task = TaskSpec("what", "ordinal" if kind == "ordinal" else kind, labels, names, metric=metric)  # type: ignore[arg-type]
        centres = apart * rng.normal(size=(classes, dim)) / np.sqrt(dim) * 2
        self._vectors, self._maps, start = {}, {}, 0
        for name, count in zip(("train", "val", "test"), counts, strict=True):
            subject = start + np.arange(count) // 2
            start += count
            if kind == "multilabel":
                y = (rng.random((count, classes)) < 0.4).astype(np.float32)
                mean = y @ centres
                y[rng.random(y.shape) < 0.1] = np.nan
                y[:4] = [[0] * classes, [1] * classes] * 2
            else:
                y = (np.arange(count) // 2 % classes).astype(np.float32)
                mean = centres[y.astype(int)]
            x = mean + rng.normal(size=(count, dim))
            maps = rng.normal(size=(count, dim, 3, 3))
            place = rng.integers(0, 9, count)
            maps.reshape(count, dim, 9)[np.arange(count), :, place] += 2 * mean
            self._vectors[name] = torch.tensor(x, dtype=torch.float32)
            self._maps[name] = torch.tensor(maps, dtype=torch.float16)
            ids = np.arange(len(y), dtype=np.uint64) + np.uint64(start)
            self._splits[name] = Split(name, np.arange(count), torch.tensor(y), subject, ids, pd.DataFrame({"n": range(count)}))
        whole = list(self._splits.values())
        subjects, ids = (np.concatenate([getattr(part, name) for part in whole]) for name in ("subject", "ids"))
        labels = torch.cat([part.labels for part in whole])
        self._splits["all"] = Split("all", np.arange(sum(counts)), labels, subjects, ids, pd.DataFrame({"n": range(sum(counts))}))
        self._vectors["all"] = torch.cat(list(self._vectors.values()))

    def features(self, name: str, layer: str = "pooled") -> torch.Tensor:
        return self._vectors[name]

    def maps(self, name: str) -> torch.Tensor:
        return self._maps[name]
