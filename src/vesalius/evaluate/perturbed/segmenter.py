"""A fine-tuned segmenter on disturbed volumes: each disturbed as a whole, before windows are cut from it."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from vesalius.data.dataset import DataSet, open_data
from vesalius.data.pixels import Pixels
from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.encoders.saving import tensor_bytes, weights_hash
from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked
from vesalius.evaluate.perturbed.classifier import shown
from vesalius.evaluate.perturbed.perturbations import Step, disturbed
from vesalius.evaluate.perturbed.tuned import Tuned, configuration, judged, same_images
from vesalius.features.records import prepared as prepared_by
from vesalius.features.records import store_for
from vesalius.measures import bootstrap, segmentation
from vesalius.recipes.segmentation.config import SegmentationConfig
from vesalius.recipes.segmentation.material import load_volumes
from vesalius.runs import Run
from vesalius.tasks.segmenter import Segmenter
from vesalius.tasks.sliding import Windows, prepared, probabilities
from vesalius.terminal import Terminal

METRIC = "dice"
_ENDS = (0.005, 0.995)
"""Quantiles that become 0 and 1 where a plan's values have no ends of their own."""
_SAMPLE = 1 << 20


class PerturbedSegmenter(Tuned):
    """Answers are Dice (n, L) of each label of each case, NaN where it is neither there nor predicted."""

    metric = METRIC
    higher_is_better = True

    def __init__(self, letter: str, run: Run, asked_for: str, terminal: Terminal) -> None:
        if asked_for not in ("", METRIC):
            raise UserError(f"{run.path.name} segments volumes, whose robustness is measured by {METRIC}, not {asked_for}. Leave --metric out.")
        config = configuration(run)
        assert isinstance(config, SegmentationConfig)
        table = load_volumes(config, terminal)
        same_images(run, table.fingerprint())
        self.model = Segmenter.load(run.path)
        data: DataSet = open_data(config.data.train, table, store_for(self.model.encoder, table), terminal, max_bad_share=config.data.max_bad_share)
        said = config.sliding
        self.windows = Windows(tuple(self.model.encoder.card.size), said.overlap, said.mode, said.batch)
        super().__init__(letter, run, data, *judged(data, {split: data.rows(split) for split in ("test", "val")}))

    @property
    def store(self) -> VolumeStore:
        """The volumes, with their labels."""
        assert isinstance(self.data.store, VolumeStore)
        return self.data.store

    @override
    def key(self) -> str:
        facts = (weights_hash(self.model.encoder), self.model.task.as_dict(), self.windows, prepared_by(self.store.settings))
        state = blake2b(repr(facts).encode(), digest_size=16)
        state.update(tensor_bytes(self.model.decoder.state_dict()) + "".join(self.store.digests[self.cases]).encode())
        return state.hexdigest()

    @override
    def answers(self, step: Step | None, which: NDArray[np.int64], asked: Asked) -> Tensor:
        found, classes = [], len(self.model.task.classes)
        self.model.to(asked.device).eval()
        for row in self.cases[which].tolist():
            volume = self._volume(row, step, asked.seed)
            chances = probabilities(self.model, _InMemory(volume), 0, self.windows, device=asked.device, autocast=asked.autocast)
            truth = self.store.mask(row)
            assert truth is not None
            found.append(segmentation.dice(segmentation.counts(chances.argmax(0).cpu().numpy(), truth, classes))[1:])
        return torch.from_numpy(np.stack(found)).float()

    @override
    def statistic(self, answers: Tensor) -> bootstrap.Statistic:
        each = answers.double().nanmean(1)  # of a case, over the labels that have a score
        known = ~each.isnan()
        scores = each.nan_to_num(0.0)

        def mean(weights: Tensor) -> Tensor:
            counted = weights.double() * known[:, None]
            return (counted * scores[:, None]).sum(0) / counted.sum(0)

        return mean

    @override
    def picture(self, step: Step | None, case: int, asked: Asked) -> NDArray[np.uint8]:
        return shown(self._volume(int(self.cases[case]), step, asked.seed))

    def _volume(self, row: int, step: Step | None, seed: int) -> Tensor:
        """``(C, x, y, z)`` record ``row`` as the network sees it, after ``step`` was done to it."""
        whole = np.stack([np.zeros(3, np.int64), self.store.extents[row]])[None, None]
        plain = prepared(self.store.without_labels().read(np.array([[row]]), whole))[0, 0]
        if step is None:
            return plain
        low, high = self._ends(plain)
        scaled = (plain - low) / (high - low)
        held = scaled.clamp(0, 1)
        changed = disturbed(held, step, int(self.store.ids[row]), seed)
        return (changed + (scaled - held)) * (high - low) + low  # what lies beyond the ends keeps its distance from them

    def _ends(self, plain: Tensor) -> tuple[float, float]:
        """What is black and white: 0 and 1 where the plan cuts values off there, else quantiles of the volume."""
        rule = self.store.settings.intensity
        if rule.clip and rule.rule in ("window", "percentiles"):
            return 0.0, 1.0
        flat = plain.flatten()
        low, high = torch.quantile(flat[:: max(1, len(flat) // _SAMPLE)], torch.tensor(_ENDS)).tolist()
        return low, high if high > low else low + 1.0


class _InMemory:
    """One volume (C, x, y, z) as sliding windows read it."""

    def __init__(self, volume: Tensor) -> None:
        self.volume = volume
        self.extents = np.array([volume.shape[1:]], np.int64)

    def read(self, rows: NDArray[np.int64], windows: NDArray[np.int64], out: Pixels | None = None) -> Pixels:
        """Windows (B, 1, 2, 3), all of one size."""
        cut = [self.volume[(slice(None), *(slice(a, b) for a, b in zip(*box, strict=True)))] for box in windows[:, 0].tolist()]
        sizes = torch.from_numpy(windows[:, :, 1] - windows[:, :, 0])
        ones = torch.ones(rows.shape)
        return Pixels(torch.stack(cut)[:, None], sizes, ones, torch.zeros(rows.shape))
