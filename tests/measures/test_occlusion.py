from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.measures.occlusion import attentive_diffusion, saliency_map


def loop(scores: torch.Tensor, window: int, size: tuple[int, int], stride: int, first: int) -> torch.Tensor:
    """What the original does, a position at a time, in single precision."""
    total, count = torch.zeros(size), torch.zeros(size)
    for i in range(scores.shape[0]):
        for j in range(scores.shape[1]):
            top, left = first + i * stride, first + j * stride
            inside = (slice(max(0, top), max(0, top + window)), slice(max(0, left), max(0, left + window)))
            total[inside] += scores[i, j]
            count[inside] += 1
    return total / count


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 7), st.integers(1, 7), st.tuples(st.integers(3, 19), st.integers(3, 19)), st.booleans(), st.integers(0, 10**6)
)  # fmt: skip
def test_the_map_is_the_loops_mean_over_the_windows_that_cover_a_pixel(window, stride, size, hanging, seed):
    first = 1 - window if hanging else 0
    last = [side - 1 if hanging else max(0, side - window) for side in size]
    scores = torch.rand([(end - first) // stride + 1 for end in last], generator=torch.Generator().manual_seed(seed)) + 0.01
    found = saliency_map(scores, window, size, stride=stride, first=first)
    torch.testing.assert_close(found, loop(scores, window, size, stride, first), rtol=1e-5, atol=1e-5, equal_nan=True)


def test_the_originals_map_of_a_margin_is_the_middle_of_its_loop():
    scores = torch.rand(27, 27)
    whole = loop(scores, 10, (36, 36), 1, 0)
    torch.testing.assert_close(saliency_map(scores, 10, (18, 18)), whole[9:27, 9:27], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("window", "stride", "first"), [(10, 1, None), (10, 3, None), (7, 2, 0), (10, 4, -5)])
def test_equal_scores_make_an_equal_map_without_anything_above_its_mean(window, stride, first):
    for value in (0.1, 1 / 3, 7e-5, 0.0):
        count = (30 - (1 - window if first is None else first)) // stride
        found = saliency_map(torch.full((count, count), value), window, (32, 32), stride=stride, first=first)
        known = found[~found.isnan()]
        assert known.numel() > 500
        assert bool((known == torch.tensor(value)).all())
        assert float(attentive_diffusion(known[:500].view(20, 25))) == 0.0


def test_half_and_half_is_fifty_and_several_maps_are_measured_at_once():
    half = torch.full((224, 224), 0.1)
    half[:112] = 0.7
    equal = torch.full((224, 224), 0.1)
    point = torch.zeros(224, 224)
    point[3, 5] = 1.0
    hole = 1 - point
    found = attentive_diffusion(torch.stack([half, equal, point, hole]))
    assert found.tolist() == [50.0, 0.0, 100 / 224**2, 100 - 100 / 224**2]
    scores = torch.rand(2, 3, 12, 12)
    each = saliency_map(scores, 3, (10, 10))
    assert each.shape == (2, 3, 10, 10)
    assert torch.equal(each[1, 2], saliency_map(scores[1, 2], 3, (10, 10)))


def test_windows_beside_the_image_are_refused():
    with pytest.raises(ValueError, match="leave an image"):
        saliency_map(torch.rand(40, 40), 3, (10, 10))
