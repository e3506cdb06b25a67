from __future__ import annotations

import pytest
import torch

from tests.training.monitors.features import METHOD, Toy, Untouchable, after_epochs
from vesalius.measures import rank
from vesalius.training.monitors import spread


def test_it_reports_what_the_measures_say_without_labels():
    toy = Toy()
    for split in toy.splits.values():
        split.labels.clear()
    seen = spread.build(spread.Config(), "spread", None, 0)
    finding, direct = seen(toy, METHOD, after_epochs(1)), rank.spread(toy.splits["train"].vectors)
    assert finding.scalars["rankme"] == direct.rankme
    assert finding.scalars["std"] == direct.std
    assert finding.scalars["alpha_req"] == pytest.approx(direct.alpha)
    assert finding.scalars["collapsed"] == 0
    assert finding.warning is None
    assert finding.best == {"rankme": True, "alpha_req": True}
    assert toy.asked == ["train"]


@pytest.mark.parametrize("stop", [False, True])
def test_a_collapse_raises_the_alarm_and_is_never_the_best(stop):
    toy = Toy()
    toy.splits["train"].vectors = torch.ones(300, 8)
    seen = spread.build(spread.Config(stop=stop), "spread", None, 0)
    assert not seen(toy, METHOD, after_epochs(0)).stop
    finding = seen(toy, METHOD, after_epochs(1))
    assert finding.scalars["collapsed"] == 1
    assert finding.stop is stop
    assert "Collapse at step 10" in finding.warning
    assert finding.best == {"rankme": False, "alpha_req": False}


class Reconstructing(Untouchable):
    """A method that pulls nothing together."""

    may_collapse = False


def test_a_narrow_cone_alarms_only_where_vectors_are_pulled_together():
    toy, seen = Toy(), spread.build(spread.Config(), "spread", None, 0)
    toy.splits["train"].vectors = 1 + 1e-3 * torch.randn(300, 8, generator=torch.Generator().manual_seed(0))
    reconstructing = Reconstructing()
    assert seen(toy, METHOD, after_epochs(1)).scalars["collapsed"] == 1
    assert seen(toy, reconstructing, after_epochs(2)).scalars["collapsed"] == 0
    for vectors in (torch.ones(300, 8), torch.outer(torch.rand(300), torch.rand(8)), torch.full((300, 8), float("nan"))):
        toy.splits["train"].vectors = vectors
        assert seen(toy, reconstructing, after_epochs(3)).scalars["collapsed"] == 1


def test_at_most_so_many_samples_and_always_the_same():
    toy = Toy()
    seen = spread.build(spread.Config(at_most=40), "spread", None, 0)
    values = [seen(toy, METHOD, after_epochs(e)).scalars for e in (1, 2)]
    assert values[0] == values[1]
    assert values[0] != spread.build(spread.Config(at_most=40), "spread", None, 1)(toy, METHOD, after_epochs(1)).scalars
    few = rank.spread(toy.splits["train"].vectors[:40])
    assert values[0]["effective_rank"] == pytest.approx(few.effective_rank, rel=0.2)


def test_a_resumed_monitor_remembers_its_best():
    first, second = (spread.build(spread.Config(), "spread", None, 0) for _ in range(2))
    first(Toy(), METHOD, after_epochs(1))
    second.load_state_dict(first.state_dict())
    assert second(Toy(), METHOD, after_epochs(2)).best == {"rankme": False, "alpha_req": False}


def test_the_alpha_nearest_to_one_is_the_best():
    seen, found = spread.build(spread.Config(), "spread", None, 0), []
    for epoch, decay in enumerate((3.0, 0.2, 1.1, 0.7, 0.95), 1):
        toy = Toy(rows=4000)
        generator = torch.Generator().manual_seed(epoch)
        scale = torch.arange(1, 65).float() ** (-decay / 2)
        toy.splits["train"].vectors = torch.randn(4000, 64, generator=generator) * scale
        found.append(seen(toy, METHOD, after_epochs(epoch)).best["alpha_req"])
    assert found == [True, True, True, False, True]
