"""A file that is not the model's, or was damaged, renamed or forged, is refused with the names that tell why."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.encoders.zoo import files
from vesalius.encoders import build_encoder
from vesalius.encoders.preparing import prepare
from vesalius.encoders.published import Published, required
from vesalius.errors import UserError

OPTIONS = {"stem": "standard", "width": 0.0625}


def small(name: str) -> tuple[Any, Published]:
    """The model in a network that takes no time."""
    family, model = required(name)
    return family, replace(model, architecture="resnet18", options=OPTIONS, size=(32, 32))


def tensors() -> dict[str, Tensor]:
    return dict(build_encoder("resnet18", size=(32, 32), **OPTIONS).network.state_dict())


def refused(tmp_path: Path, content: Any, name: str = "moco-v2", *, zipped: bool = True) -> str:
    torch.save(content, tmp_path / "given.pth.tar", _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError) as raised:
        prepare(tmp_path / "given.pth.tar", *small(name), tmp_path / "made")
    assert not (tmp_path / "made").exists()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def changed(change: Callable[[dict[str, Tensor]], None]) -> dict[str, Tensor]:
    made = tensors()
    change(made)
    return made


CHANGES: dict[str, tuple[Callable[[dict[str, Tensor]], Any], str]] = {
    "missing": (lambda t: t.pop("layer3.1.bn2.running_var"), "missing: layer3.1.bn2.running_var"),
    "too few": (lambda t: [t.pop(k) for k in list(t) if k.startswith("layer4")], "missing: layer4.0.conv1.weight"),
    "renamed": (lambda t: t.update({"layer1.0.convolution.weight": t.pop("layer1.0.conv1.weight")}), "not of this network: layer1.0.convolution.weight"),
    "one too many": (lambda t: t.update({"layer5.weight": torch.rand(2)}), "not of this network: layer5.weight"),
    "transposed": (
        lambda t: t.update({"layer2.0.conv1.weight": t["layer2.0.conv1.weight"].transpose(0, 1).contiguous()}),
        "of another shape: layer2.0.conv1.weight (4, 8, 3, 3) for (8, 4, 3, 3)",
    ),
    "not finite": (lambda t: t["bn1.running_var"].fill_(float("nan")), "with NaN or infinity: bn1.running_var"),
    "of integers": (lambda t: t.update({"bn1.weight": t["bn1.weight"].long()}), "of another type: bn1.weight (torch.int64)"),
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", ["moco-v2", "mimic-chexpert_lr_0.1"])
def test_tensors_that_are_not_the_networks(kind: str, name: str, tmp_path: Path) -> None:
    change, words = CHANGES[kind]
    said = refused(tmp_path, files.checkpoint(name, changed(lambda t: change(t))), name)
    assert words in said
    assert "of which all 120 tensors must be there" in said
    assert "given.pth.tar does not fit its network" in said


@pytest.mark.parametrize(
    ("given", "asked"), [("swav", "moco-v2"), ("pirl", "moco-v2"), ("moco-v2", "swav"), ("supervised_r18", "pirl"), ("swav", "mimic-chexpert_lr_1.0")]
)
def test_another_models_file(given: str, asked: str, tmp_path: Path) -> None:
    said = refused(tmp_path, files.checkpoint(given, tensors()), asked)
    assert f"given.pth.tar is not the file of {asked}" in said or "given.pth.tar does not fit its network" in said
    assert required(asked)[1].file in said or "missing" in said


def test_counters_may_be_missing(tmp_path: Path) -> None:
    old = {name: tensor for name, tensor in tensors().items() if not name.endswith("num_batches_tracked")}
    torch.save(files.checkpoint("moco-v2", old), tmp_path / "old.pth.tar")
    made = prepare(tmp_path / "old.pth.tar", *small("moco-v2"), tmp_path / "made")
    assert int(made.network.bn1.num_batches_tracked) == 0  # type: ignore[union-attr,arg-type]


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch ran",)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", ["pirl", "moco-v2", "swav", "supervised_r18", "mimic-chexpert_lr_0.01", "mimic-cxr_r18_lr_1e-4"])
def test_a_pickle_that_would_run_something(name: str, zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = refused(tmp_path, {**files.checkpoint(name, tensors()), "extra": Evil()}, name, zipped=zipped)
    assert "what would run code is refused" in said
    assert "system" in said
    assert not (tmp_path / "ran").exists()


PAGES = {
    "Google Drive": b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head></html>",
    "Dropbox": b"\n<!DOCTYPE html>\n<html class='maestro'><head><title>Dropbox - PIRL.pth</title></head></html>",
}


@pytest.mark.parametrize("page", PAGES)
def test_a_web_page_instead_of_the_file(page: str, tmp_path: Path) -> None:
    (tmp_path / "PIRL.pth").write_bytes(PAGES[page])
    with pytest.raises(UserError, match=r"PIRL.pth cannot be read as weights: it is a web page and not the file behind it"):
        prepare(tmp_path / "PIRL.pth", *small("pirl"), tmp_path / "made")


def test_the_originals_prepared_file_is_taken_for_what_it_is(tmp_path: Path) -> None:
    """``models/NAME.pth``: torchvision's names and nothing else, under which the published rules find nothing."""
    torch.save(tensors(), tmp_path / "swav.pth")
    made = prepare(tmp_path / "swav.pth", *small("swav"), tmp_path / "made")
    assert "swav.pth (prepared by SSL_medicalimaging), SHA-256" in made.card.notes[-1]
    assert made.card.imagenet_top1 == 75.3
