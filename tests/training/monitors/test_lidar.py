from __future__ import annotations

import math

import pytest
import torch

from tests.training.monitors.features import METHOD, Split, after_epochs
from vesalius.measures import rank
from vesalius.training.monitors import lidar


def views(seed: int = 0, directions: int = 8) -> torch.Tensor:
    """Forty images in five views, which tell images apart along so many of eight directions."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.randn(40, 1, 8, generator=generator) * (torch.arange(8) < directions)
    return means + 0.3 * torch.randn(40, 5, 8, generator=generator)


class Seen:
    def __init__(self, vectors: torch.Tensor) -> None:
        self.vectors, self.asked = vectors, []

    def __call__(self, split: str) -> Split:
        self.asked.append(split)
        return Split(self.vectors, {})


def test_it_reports_the_measure_of_the_views_without_labels():
    seen, monitor = Seen(views()), lidar.build(lidar.Config(delta=1e-3), "lidar", None, 0)
    finding = monitor(seen, METHOD, after_epochs(1))
    assert seen.asked == ["views"]
    assert finding.scalars == {"lidar": rank.lidar(views(), 1e-3)}
    assert finding.best == {"lidar": True}
    assert monitor(Seen(views(directions=3)), METHOD, after_epochs(2)).best == {"lidar": False}


def test_a_collapsed_encoder_is_never_the_best():
    # far below delta, what is left of the cloud is round: its rank is high and means nothing
    tiny = 1 + 1e-7 * views().double()
    finding = lidar.build(lidar.Config(), "lidar", None, 0)(Seen(tiny), METHOD, after_epochs(1))
    assert finding.scalars["lidar"] > 5
    assert finding.best == {"lidar": False}
    broken = lidar.build(lidar.Config(), "lidar", None, 0)(Seen(tiny * math.nan), METHOD, after_epochs(1))
    assert math.isnan(broken.scalars["lidar"])
    assert broken.best == {"lidar": False}


def test_a_resumed_monitor_remembers_its_best():
    first, second = (lidar.build(lidar.Config(), "lidar", None, 0) for _ in range(2))
    first(Seen(views()), METHOD, after_epochs(1))
    second.load_state_dict(first.state_dict())
    assert second(Seen(views()), METHOD, after_epochs(2)).best == {"lidar": False}


@pytest.mark.parametrize("field", ["images", "views"])
def test_fewer_than_two_of_either_are_refused(field):
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        lidar.Config(**{field: 1})
