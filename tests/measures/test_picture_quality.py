from __future__ import annotations

import numpy as np
import pytest
import torch

from vesalius.measures import picture_quality as quality


@pytest.fixture(scope="module")
def pictures():
    rng = torch.Generator().manual_seed(0)
    true = torch.nn.functional.interpolate(torch.rand(3, 3, 9, 11, generator=rng), (37, 52), mode="bicubic").clamp(0, 1)
    noise = torch.randn(true.shape, generator=rng) * torch.tensor([0.02, 0.1, 0.5]).view(3, 1, 1, 1)
    return (true + noise).clamp(0, 1), true


def test_they_are_what_skimage_measures(pictures):
    metrics = pytest.importorskip("skimage.metrics")
    found, true = pictures
    for n in range(3):
        a, b = (one[n].double().numpy() for one in (found, true))
        known = metrics.structural_similarity(b, a, channel_axis=0, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        assert float(quality.ssim(found, true)[n]) == pytest.approx(known, abs=1e-6)
        assert float(quality.psnr(found, true)[n]) == pytest.approx(metrics.peak_signal_noise_ratio(b, a, data_range=1.0), abs=1e-4)


def test_they_are_what_torchmetrics_measures(pictures):
    image = pytest.importorskip("torchmetrics.functional.image")
    found, true = pictures
    known = image.peak_signal_noise_ratio(found, true, data_range=1.0, dim=(1, 2, 3), reduction="none")
    torch.testing.assert_close(quality.psnr(found, true), known, rtol=1e-5, atol=1e-4)
    # torchmetrics continues a picture beyond its edge by reflection; where its window lies within, all is the same
    _, full = image.structural_similarity_index_measure(found, true, data_range=1.0, reduction="none", return_full_image=True)
    torch.testing.assert_close(quality.ssim(found, true), full[..., 5:-5, 5:-5].mean((1, 2, 3)), rtol=0, atol=1e-4)


def test_equal_pictures_are_alike_and_small_ones_refused(pictures):
    _, true = pictures
    assert torch.isinf(quality.psnr(true, true)).all()
    torch.testing.assert_close(quality.ssim(true, true), torch.ones(3))
    assert float(quality.ssim(true[:1], 1 - true[:1])) < 0
    with pytest.raises(ValueError, match="smaller than the window"):
        quality.ssim(true[..., :10], true[..., :10])


def test_the_feature_error_is_relative_to_the_features_and_each_pictures_own():
    true = torch.tensor(np.arange(1, 13, dtype=np.float32)).view(2, 3, 2)
    torch.testing.assert_close(quality.feature_error(torch.zeros(2, 3, 2), true), torch.ones(2))
    torch.testing.assert_close(quality.feature_error(true * torch.tensor([1.0, 1.1]).view(2, 1, 1), true), torch.tensor([0.0, 0.01]), rtol=1e-4, atol=1e-7)
