"""A fine-tuned classifier, of images or of tiles of volumes, on disturbed images: disturbed as it sees them, at its own size."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from vesalius import views as recipes
from vesalius.encoders.saving import tensor_bytes
from vesalius.evaluate.asked import Asked
from vesalius.evaluate.perturbed.perturbations import Step
from vesalius.evaluate.perturbed.tuned import Tuned, configuration, judged, same_images
from vesalius.features import evaluation_views, forward, identity
from vesalius.measures import bootstrap
from vesalius.recipes.finetune_config import FinetuneConfig
from vesalius.recipes.labelled_material import load_labelled, open_labelled
from vesalius.runs import Run
from vesalius.tasks import labels, scoring
from vesalius.tasks.classifier import Classifier
from vesalius.terminal import Terminal
from vesalius.views.pipeline import Views


class PerturbedClassifier(Tuned):
    """Answers are probabilities (n, outputs), of a regression quantities (n, 1)."""

    def __init__(self, letter: str, run: Run, asked_for: str, terminal: Terminal) -> None:
        config = configuration(run)
        assert isinstance(config, FinetuneConfig)
        table = load_labelled(config, terminal)
        same_images(run, table.fingerprint())
        self.model = Classifier.load(run.path)
        data = open_labelled(config, table, self.model.encoder, terminal)
        self.task = self.model.task
        known = {}
        for split in ("test", "val"):
            rows = data.rows(split)
            known[split] = rows[labels.known(labels.stacked(data.labels(rows), self.task)).numpy()]
        super().__init__(letter, run, data, *judged(data, known))
        self.labels = labels.stacked(data.labels(self.cases), self.task)
        self.metric = scoring.check(asked_for or self.task.metric, self.task.kind)
        self.higher_is_better = scoring.higher_is_better(self.metric)

    @override
    def key(self) -> str:
        facts = (*identity(self.model.encoder), self.model.temperature, self.task.as_dict())
        state = blake2b(repr(facts).encode(), digest_size=16)
        state.update(tensor_bytes(self.model.head.state_dict()))
        state.update("".join(self.data.store.digests[self.cases]).encode())
        return state.hexdigest()

    @override
    def answers(self, step: Step | None, which: NDArray[np.int64], asked: Asked) -> Tensor:
        pooled = forward(
            self.model.encoder, self.data.store, self.cases[which], self._views(step),
            device=asked.device, autocast=asked.autocast, batch_size=asked.batch_size, seed=asked.seed,
        )  # fmt: skip
        with torch.no_grad():
            return self.model.to(asked.device).cooled(self.model.head_logits(pooled)).cpu()

    @override
    def statistic(self, answers: Tensor) -> bootstrap.Statistic:
        kind = self.task.kind
        return lambda weights: scoring.measure(self.metric, kind, self.labels, answers, weights)

    @override
    def picture(self, step: Step | None, case: int, asked: Asked) -> NDArray[np.uint8]:
        views, store, row = self._views(step), self.data.store, self.cases[[case]]
        group = next(iter(views.makes))
        draws = views.draw(asked.seed, 0, row, store.ids[row], store.extents[row])
        x = views.apply(store.read(draws.rows, draws.windows), draws).views[group][0, 0]
        return shown(x)

    def _views(self, step: Step | None) -> Views:
        """The card's pipeline with ``step`` before everything that it does to values."""
        own = evaluation_views(self.model.encoder)
        if step is None:
            return own
        config: dict[str, Any] = own.config()
        group = next(iter(own.makes))
        made = {**config[group], "operations": [dict(step), *config[group]["operations"]]}
        return recipes.load({**config, group: made}, own.channels)


def shown(x: Tensor) -> NDArray[np.uint8]:
    """``x`` (C, height, width), or (C, x, y, z) by its middle slice from above, as bytes; three colours last where it has them."""
    if x.ndim == 4:
        x = x[..., x.shape[3] // 2].mT.flip(1)
    channels = x[:3] if len(x) >= 3 else x[:1]
    low, high = channels.amin(), channels.amax()
    if low < 0 or high > 1:
        channels = (channels - low) / (high - low).clamp(min=1e-6)
    pixels = (channels.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return np.asarray(np.moveaxis(pixels, 0, -1) if len(pixels) == 3 else pixels[0])
