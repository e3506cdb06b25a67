"""The label of a place is what most of its voxels bear; the probe tells what features tell, and beside it what intensities do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.methods.test_restoration import of_cells
from tests.training.monitors.features import Split, after_epochs
from vesalius.encoders import Encoder
from vesalius.errors import UserError
from vesalius.training.method import Method
from vesalius.training.monitors import tissue
from vesalius.training.monitors.tissue import Config, balanced, places, probed
from vesalius.views.batch import Batch


class Of(Method):
    """Nothing but an encoder."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def exports(self) -> dict[str, Encoder]:
        """The encoder."""
        return {"encoder": self.encoder}

    def forward(self, batch: Batch, at: object) -> None:  # type: ignore[override]
        """Never called here."""


def test_places_bear_the_label_of_most_voxels() -> None:
    encoder = of_cells((8, 8, 4), side=4, dim=5)
    x, labels = torch.rand(2, 1, 8, 8, 4), torch.zeros(2, 8, 8, 4, dtype=torch.int64)
    labels[0, :4, :4] = 2
    labels[0, 4:, :4, :3] = 1
    labels[1, :4, :4, :1] = 3  # a quarter
    found = places(encoder, x, labels)
    assert found.shape == (2, 4, 8)
    assert found[..., -1].tolist() == [[2, 0, 1, 0], [0, 0, 0, 0]]
    torch.testing.assert_close(found[0, 1, -3], x[0, 0, :4, 4:].mean())
    torch.testing.assert_close(found[0, 1, -2], x[0, 0, :4, 4:].std(correction=0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[0, 2, :5], encoder(x).map[0, :, 1, 0, 0])


def test_the_probe_tells_labels_that_features_tell() -> None:
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(0, 3, (300,), generator=generator).double()
    features = torch.randn(300, 6, generator=generator, dtype=torch.float64)
    features[:, 0] += 6 * (label == 1)
    features[:, 1] += 6 * (label == 2)
    answer = probed(features[:200], label[:200], features[200:], 0.01)
    assert balanced(answer, label[200:]) > 0.97
    chance = probed(features[:200, 2:], label[:200], features[200:, 2:], 0.01)
    assert balanced(chance, label[200:]) < 0.5


def test_the_monitor_scores_unseen_samples_and_needs_labels() -> None:
    method = Of(of_cells((8, 8, 8), side=4, dim=5))
    monitor = tissue.build(Config(), "tissue", None, 1)
    labels = torch.zeros(1, 6, 8, 8, 8, dtype=torch.int64)
    labels[:, :, :4] = 1
    x = labels[:, :, None].float() * 0.8 + 0.1 * torch.rand(1, 6, 1, 8, 8, 8)
    batch = Batch({"clean": x}, {}, torch.arange(6), masks={"clean": labels})
    rows: Tensor = monitor.measure(method, batch)
    assert rows.shape == (6, monitor.numbers(method))
    finding = monitor(lambda split: Split(rows.detach(), {}), method, after_epochs(1))
    assert finding.scalars["balanced_accuracy"] == 1.0
    assert finding.scalars["intensity_balanced_accuracy"] == 1.0
    assert finding.best == {"balanced_accuracy": True}
    with pytest.raises(UserError, match="needs label volumes"):
        monitor.measure(method, Batch({"clean": x}, {}, torch.arange(6)))
