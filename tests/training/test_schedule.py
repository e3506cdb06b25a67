"""Learning rates: never zero by accident, the peak is reached in short runs, InnerEye's sequence under its rule."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.training.method import Progress
from vesalius.training.schedule import Schedule, Warmup, factor


def rates(schedule: Schedule, warmup: Warmup, steps: int, per_epoch: int) -> list[float]:
    epochs = steps / per_epoch
    return [factor(schedule, warmup, Progress(s, steps, s // per_epoch, epochs, per_epoch)) for s in range(steps)]


@given(st.integers(1, 200), st.integers(1, 20), st.floats(0, 0.99), st.floats(0, 1))
def test_never_zero_and_reaches_the_peak(steps: int, per_epoch: int, share: float, final: float) -> None:
    found = rates(Schedule(final=final), Warmup(share=share), steps, per_epoch)
    assert all(0 < r <= 1 for r in found)
    assert max(found) == pytest.approx(1.0)
    top = found.index(max(found))
    assert all(a < b for a, b in itertools.pairwise(found[: top + 1]))
    assert all(a >= b for a, b in zip(found[top:], found[top + 1 :]))


@pytest.mark.parametrize("warmup", [Warmup(steps=1000), Warmup(epochs=10.0), Warmup(share=0.9)])
def test_a_long_warmup_is_cut_to_a_third_of_a_short_run(warmup: Warmup) -> None:
    found = rates(Schedule(), warmup, 12, 2)
    assert found.index(max(found)) == 4


def test_innereyes_byol_rates_epoch_by_epoch() -> None:
    schedule, warmup = Schedule(per="epoch", start="zero"), Warmup(epochs=10.0)
    found = [1e-4 * r for r in rates(schedule, warmup, 100 * 3, 3)]
    by_epoch = found[::3]
    assert found[0] == found[1] == found[2] == 0.0
    for epoch in range(9):
        assert by_epoch[epoch + 1] - by_epoch[epoch] == pytest.approx(1.1111e-5, abs=1e-9)
    assert by_epoch[9] == pytest.approx(1e-4)
    assert by_epoch[10] == pytest.approx(1e-4)
    assert max(r for r in by_epoch[:5]) == pytest.approx(4.44e-5, abs=1e-7)


def test_innereyes_simclr_rates_step_by_step() -> None:
    found = rates(Schedule(per="step", start="zero"), Warmup(epochs=10.0), 100, 5)
    assert found[0] == 0.0
    assert found[25] == pytest.approx(0.5)
    assert found[50] == pytest.approx(1.0)
    assert found[75] == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.5)))


def test_constant() -> None:
    assert rates(Schedule(name="constant"), Warmup(steps=2), 10, 5)[2:] == [1.0] * 8


@pytest.mark.parametrize("wrong", [{}, {"steps": 1, "epochs": 1.0}, {"share": 1.0}])
def test_a_warmup_is_given_once(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"exactly one|less than"):
        Warmup.model_validate(wrong)
    assert Warmup.model_validate(0.05) == Warmup(share=0.05)
