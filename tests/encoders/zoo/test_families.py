from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from vesalius.encoders.zoo import mimic_chexpert, moco_cxr, moco_v2, pirl, supervised, swav

ONE = torch.ones(2)
FAMILIES: list[tuple[ModuleType, Mapping[str, Any]]] = [
    (mimic_chexpert, {"state_dict": {"model.encoder_q.conv1.weight": ONE, "model.encoder_q.classifier.weight": ONE, "model.encoder_k.conv1.weight": ONE}}),
    (moco_cxr, {"state_dict": {"module.encoder_q.conv1.weight": ONE, "module.encoder_q.fc.0.weight": ONE, "module.queue": ONE}}),
    (moco_v2, {"state_dict": {"module.encoder_q.conv1.weight": ONE, "module.encoder_q.fc.2.bias": ONE, "module.encoder_k.conv1.weight": ONE}}),
    (pirl, {"model": {"module.encoder.conv1.weight": ONE, "module.head_jig.fc1.weight": ONE}}),
    (supervised, {"conv1.weight": ONE, "fc.weight": ONE, "fc.bias": ONE}),
    (swav, {"module.conv1.weight": ONE, "module.projection_head.0.weight": ONE, "module.prototypes.weight": ONE}),
]  # fmt: skip


@pytest.mark.parametrize(("family", "content"), FAMILIES, ids=lambda one: getattr(one, "__name__", "").rpartition(".")[2])
def test_the_encoder_is_taken_and_heads_and_copies_are_left(tmp_path: Path, family: ModuleType, content: Mapping[str, Any]) -> None:
    model = next(iter(family.MODELS.values()))
    file = tmp_path / "made.pth"
    torch.save(dict(content), file)
    assert list(family.tensors(file, model)) == ["conv1.weight"]


def test_names_of_densenet_from_before_0_3_are_todays(tmp_path: Path) -> None:
    file = tmp_path / "made.pth"
    torch.save({"features.denseblock1.denselayer1.norm.1.weight": ONE, "classifier.weight": ONE}, file)
    assert list(supervised.tensors(file, next(iter(supervised.MODELS.values())))) == ["features.denseblock1.denselayer1.norm1.weight"]
