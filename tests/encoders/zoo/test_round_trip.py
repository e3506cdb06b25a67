"""Every model of torch: from the file as it was published to the features of torchvision's own network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.encoders.zoo import files
from vesalius.encoders import load_encoder
from vesalius.encoders.preparing import prepare
from vesalius.encoders.published import IMAGENET, models, required
from vesalius.features.one_pass import evaluation_views
from vesalius.views.operation import Parameters

NAMES = ("pirl", "moco-v2", "swav", "supervised_r50", "supervised_r18", "supervised_d121", "mimic-cxr_r18_lr_1e-4", "mimic-cxr_d121_lr_1e-4")
CHEXPERT = tuple(f"mimic-chexpert_lr_{rate}" for rate in ("0.01", "0.1", "1.0"))
AS_PUBLISHED = ("moco-v2",)
"""The others are read into a ResNet-18 at 64 pixels here: the rules are about names; ``all_round_trips`` takes every network as it is, and
``tests/coverage/test_transfer_zoo.py`` a DenseNet.
"""


@pytest.mark.parametrize("name", [*NAMES, *CHEXPERT])
def test_features_are_torchvisions(name: str, tmp_path: Path) -> None:
    family, model = required(name)
    if name not in AS_PUBLISHED:
        model = replace(model, architecture="resnet18", size=(64, 64))
    tensors = files.drawn(model.architecture, seed=len(name))
    file = files.write(tmp_path, name, model.file, tensors, zipped=name != "swav")
    prepare(file, family, model, tmp_path / "made")
    file.unlink()
    encoder = load_encoder(tmp_path / "made")
    ours, theirs = files.features(encoder, tensors)
    torch.testing.assert_close(ours, theirs, atol=1e-5 * float(theirs.abs().max()), rtol=1e-5)
    assert not encoder.training
    assert ours.std(0).max() > 0.01 * ours.abs().max(), "features that differ between images"
    own = files.body(tensors)
    assert all(torch.equal(encoder.network.state_dict()[key], own[key]) for key in own if not key.endswith("num_batches_tracked"))
    card = encoder.card
    assert card.dim == {"resnet50": 2048, "resnet18": 512, "densenet121": 1024}[model.architecture]
    assert (card.trained_on, card.licence, card.imagenet_top1) == (model.trained_on, model.licence, model.imagenet_top1)
    stated = " (not the published file: its digest differs)" if model.sha256 or model.md5 else ""
    assert f"verified against: {model.file}{stated}, SHA-256 " in card.notes[-1]
    assert "library within" in card.notes[-1]


def test_what_is_said_of_each() -> None:
    known = {name: model for name, (_, model) in models().items()}
    assert {*NAMES, *CHEXPERT} <= known.keys()
    for model in known.values():
        assert model.licence
        assert model.trained_on
        assert model.verified == "synthetic file"
        assert model.url.startswith("https://")
    assert {name: known[name].imagenet_top1 for name in ("moco-v2", "swav", "pirl", *CHEXPERT)} == {
        "moco-v2": 71.1,
        "swav": 75.3,
        "pirl": 61.7,
        **dict.fromkeys(CHEXPERT),
    }
    for name in (*CHEXPERT, "mimic-cxr_r18_lr_1e-4", "mimic-cxr_d121_lr_1e-4"):
        assert any("transductive" in note for note in known[name].notes)
        assert "CheXpert" in known[name].trained_on
    cxr = known["mimic-cxr_d121_lr_1e-4"]
    assert (cxr.mean, cxr.std, cxr.size) == ((0.502,) * 3, (0.085585,) * 3, (320, 320))
    assert (known["pirl"].mean, known["pirl"].std) == IMAGENET
    assert required("supervised")[1].name == "supervised_r50"
    assert required("moco-cxr_r18")[1].name == "mimic-cxr_r18_lr_1e-4"


def test_mimic_chexperts_images_are_equalised_to_255() -> None:
    """The whole way, card and encoder, is CovidPrognosis' HistogramNormalize behind resize and crop."""
    from vesalius.encoders.prepared import untrained

    encoder = untrained("random_mimic-chexpert_lr_0.1")
    assert encoder is not None
    (group,) = evaluation_views(encoder).groups
    assert [op.name for op in group.operations.values()] == ["resize", "centre_crop", "equalise"]
    grey = torch.rand(1, 1, 50, 40, generator=torch.Generator().manual_seed(0)) ** 2
    *_, equalise = group.operations.values()
    made = encoder.standardised(equalise.apply(grey.repeat(1, 3, 1, 1), Parameters.of({}, grey.device)))  # type: ignore[union-attr]
    density, edges = np.histogram(grey.numpy().ravel(), 256, density=True)
    expected = np.interp(grey.numpy().ravel(), edges[:-1], 255 * density.cumsum() / density.sum())
    np.testing.assert_allclose(made[0, 1].numpy().ravel(), expected, atol=2e-3)
    assert made.max() > 254
