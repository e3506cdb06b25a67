"""SimCLR-v1 and BYOL from their own containers: the features of TensorFlow's and Haiku's own forward, and of torchvision's network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.encoders import bundles
from tests.encoders.zoo import originals
from vesalius.encoders import load_encoder
from vesalius.encoders.bundle_files import bundle_files
from vesalius.encoders.haiku_pickle import read_haiku
from vesalius.encoders.preparing import prepare
from vesalius.encoders.published import Published
from vesalius.encoders.tensor_bundle import TensorBundle
from vesalius.encoders.zoo import byol, simclr_v1
from vesalius.errors import UserError

NAMES = ("simclr-v1", "byol")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    for name in NAMES:
        for padding in (None, "symmetric"):
            family, model = originals.narrow(name, padding)
            prepare(originals.checkpoint(name, folder), family, model, folder / f"{name}-{padding}")
    return folder


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [64, 65, 96])
def test_features_are_those_of_the_original_network(name: str, side: int, prepared: Path) -> None:
    encoder = load_encoder(prepared / f"{name}-None")
    ours, theirs = originals.features(encoder, side), originals.told(name)[side]
    assert originals.difference(ours, theirs) < 2e-6
    assert float(ours.std(0).max()) > 0.01 * float(ours.abs().max()), "features that differ between images"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [64, 65, 96])
def test_torchs_padding_is_the_same_for_odd_sides_alone(name: str, side: int, prepared: Path) -> None:
    encoder = load_encoder(prepared / f"{name}-symmetric")
    apart = originals.difference(originals.features(encoder, side), originals.told(name)[side])
    assert apart < 2e-6 if side % 2 else apart > 1e-2


@pytest.mark.parametrize("name", NAMES)
def test_the_study_s_network_is_built_from_the_prepared_one(name: str, prepared: Path) -> None:
    encoder = load_encoder("resnet50", padding="symmetric", weights=str(prepared / f"{name}-None"))
    same = load_encoder(prepared / f"{name}-symmetric")
    torch.testing.assert_close(originals.features(encoder, 64), originals.features(same, 64))


def test_cards_say_what_the_encoders_eat(prepared: Path) -> None:
    simclr, byol_ = (load_encoder(prepared / f"{name}-None").card for name in NAMES)
    assert (simclr.mean, simclr.std, simclr.options["padding"]) == ((), (), "same_pool")
    assert (byol_.mean, byol_.options["padding"]) == ((0.485, 0.456, 0.406), "same")
    assert any("SAME" in note for note in simclr.notes)
    assert any("SAME" in note for note in byol_.notes)
    assert "pretrain_res50x1.pkl, SHA-256" in byol_.notes[-1]
    assert "verified against: ResNet50_1x.zip" in simclr.notes[-1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("nested", "zipped"), [(True, False), (False, True)])
def test_what_the_converters_of_the_time_made(
    name: str, nested: bool, zipped: bool, prepared: Path, tmp_path: Path
) -> None:
    own = dict(load_encoder(prepared / f"{name}-None").network.state_dict())
    whole = {**own, "fc.weight": torch.rand(10, 64), "fc.bias": torch.rand(10)}
    content: Any = {"state_dict": whole} if nested else own
    path = tmp_path / f"{name}.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    family, model = originals.narrow(name)
    encoder = prepare(path, family, model, tmp_path / "made")
    assert originals.difference(originals.features(encoder, 64), originals.told(name)[64]) < 2e-6


def simclr(folder: Path, variables: dict[str, Any]) -> tuple[Any, Path, Published]:
    return simclr_v1, bundles.write(folder / "model.ckpt-1", variables, 2), originals.narrow("simclr-v1")[1]


@pytest.fixture(scope="module")
def variables() -> dict[str, Any]:
    files = bundle_files(originals.FIXTURES / "ResNet50_1x.zip")
    assert files is not None
    bundle = TensorBundle(files)
    return dict(bundle.read([name for name in bundle.variables if not name.endswith("/Momentum")], 1 << 24))


CONV = "base_model/conv2d_4/kernel"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({CONV: None}, rf"missing {CONV}"),
        (
            {"base_model/batch_normalization_52/moving_mean": None},
            "missing base_model/batch_normalization_52/moving_mean",
        ),
        ({CONV: None, "base_model/conv/kernel": 0}, rf"missing {CONV}; not of this network base_model/conv/kernel"),
        ({"base_model/conv2d_53/kernel": 0}, "not of this network base_model/conv2d_53/kernel"),
        ({CONV: "transposed"}, r"of another shape: layer1\.0\.conv3\.weight \(2, 8, 1, 1\) for \(8, 2, 1, 1\)"),
        ({"base_model/batch_normalization/gamma": "nan"}, r"with NaN or infinity: bn1\.weight"),
        ({"base_model/batch_normalization/beta": "whole"}, r"of another type: bn1\.bias \(torch\.int64\)"),
        ({"base_model/conv2d/kernel": 0}, r"of another shape: conv1\.weight"),
    ],
)
def test_variables_that_are_not_the_networks(
    change: dict[str, Any], words: str, variables: dict[str, Any], tmp_path: Path
) -> None:
    given = dict(variables)
    for name, how in change.items():
        if how is None:
            del given[name]
        elif how == "transposed":
            given[name] = np.ascontiguousarray(given[name].transpose(0, 1, 3, 2))
        elif how == "nan":
            given[name] = given[name] * np.float32("nan")
        elif how == "whole":
            given[name] = given[name].astype(np.int64)
        else:
            given[name] = np.zeros((3, 3, 1, 1), np.float32)
    family, path, model = simclr(tmp_path, given)
    with pytest.raises(UserError, match=words):
        prepare(path, family, model, tmp_path / "made")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("cut", [10, 1000, -30])
def test_a_zip_cut_short(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "ResNet50_1x.zip"
    path.write_bytes((originals.FIXTURES / path.name).read_bytes()[:cut])
    with pytest.raises(UserError, match="cannot be read as a checkpoint of TensorFlow"):
        simclr_v1.tensors(path, originals.narrow("simclr-v1")[1])


def test_a_zip_with_a_changed_byte(tmp_path: Path) -> None:
    raw = bytearray((originals.FIXTURES / "ResNet50_1x.zip").read_bytes())
    raw[len(raw) // 2] ^= 255
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(UserError, match="damaged"):
        simclr_v1.tensors(tmp_path / "a.zip", originals.narrow("simclr-v1")[1])


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return dict(read_haiku(originals.checkpoint("byol", tmp_path_factory.mktemp("byol"))))


def test_what_dill_wrote_is_all_there(experiment: dict[str, Any]) -> None:
    state = experiment["experiment_state"]
    assert experiment["step"] == 312500
    assert list(state) == ["online_params", "target_params", "online_state", "target_state", "opt_state"]
    assert state["online_params"]["res_net50/~/initial_conv"]["w"].shape == (7, 7, 3, 2)
    assert "projector/batch_norm" in state["online_params"]


BLOCK = "res_net50/~/block_group_1/~/block_0/~/"


@pytest.mark.parametrize(
    ("module", "leaf", "how", "words"),
    [
        (f"{BLOCK}conv_1", "w", "gone", "missing res_net50/block_group_1/block_0/conv_1/w"),
        (
            f"{BLOCK}shortcut_batchnorm",
            "offset",
            "gone",
            "missing res_net50/block_group_1/block_0/shortcut_batchnorm/offset",
        ),
        (f"{BLOCK}conv_1", "b", "more", "not of this network res_net50/block_group_1/block_0/conv_1/b"),
        (f"{BLOCK}conv_3", "w", "more", "not of this network res_net50/block_group_1/block_0/conv_3/w"),
        (f"{BLOCK}conv_0", "w", "transposed", r"layer2\.0\.conv1\.weight \(8, 4, 1, 1\) for \(4, 8, 1, 1\)"),
        (f"{BLOCK}batchnorm_0", "scale", "longer", r"layer2\.0\.bn1\.weight \(8,\) for \(4,\)"),
        ("res_net50/~/initial_conv", "w", "gone", "missing"),
    ],
)
def test_arrays_that_are_not_the_networks(
    module: str,
    leaf: str,
    how: str,
    words: str,
    experiment: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    state = dict(experiment["experiment_state"])
    params = state["online_params"] = {name: dict(values) for name, values in state["online_params"].items()}
    values = params.setdefault(module, {})
    if how == "gone":
        del values[leaf]
    elif how == "more":
        values[leaf] = np.zeros((1, 1, 1, 1), np.float32)
    elif how == "longer":
        values[leaf] = np.concatenate([values[leaf]] * 2, axis=-1)
    else:
        values[leaf] = values[leaf].transpose(0, 1, 3, 2)
    monkeypatch.setattr("vesalius.encoders.haiku_pickle.read_haiku", lambda path: {"experiment_state": state})
    (tmp_path / "a.pkl").write_bytes(b"\x80\x02}.")
    with pytest.raises(UserError, match=words):
        prepare(tmp_path / "a.pkl", byol, originals.narrow("byol")[1], tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_pickle_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"\x80\x02}.")
    with pytest.raises(UserError, match="no experiment_state"):
        byol.tensors(tmp_path / "a.pkl", originals.narrow("byol")[1])


def test_prepare_finds_the_index_in_a_folder_and_by_its_prefix(
    variables: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vesalius import models

    model = originals.narrow("simclr-v1")[1]
    monkeypatch.setattr(models, "required", lambda name: (simclr_v1, replace(model, name=name)))
    index = bundles.write(tmp_path / "in" / "ResNet50_1x" / "model.ckpt-1", variables)
    for i, given in enumerate((tmp_path / "in", index.parent, index.with_suffix(""), index)):
        (folder,) = models.prepare_model("simclr-v1", file=given, out=tmp_path / str(i))
        assert (
            originals.difference(originals.features(load_encoder(folder), 64), originals.told("simclr-v1")[64]) < 2e-6
        )
    bundles.write(index.with_name("model.ckpt-2"), variables)
    with pytest.raises(UserError, match="holds 2 checkpoints"):
        models.prepare_model("simclr-v1", file=index.parent, out=tmp_path / "no")
