from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import vesalius
from tests.labelled import images
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.evaluate.config import configured
from vesalius.evaluate.pairs.pair import Pair
from vesalius.evaluate.protocols import invariance
from vesalius.evaluate.transformed import held_out, summing, viewing
from vesalius.evaluate.transformed.transforms import TRANSFORMS
from vesalius.evaluate.verb import Evaluated
from vesalius.measures import invariances

ASKED: dict[str, Any] = {"replicates": 100, "quiet": True, "device": "cpu", "labels": "ill", "subject": "patient"}
FEW: dict[str, Any] = {"invariance.transform": "rotation,h-flip,hue", "invariance.settings": 3, "invariance.probes": 20}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("invariance")
    images(folder, count=160)
    made = build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=3)
    made.card = made.card.model_copy(update={"trained_on": "a test"})
    save_encoder(made, folder / "encoder")
    save_encoder(build_encoder("resnet18", width=0.25, stem="small", channels=1, size=(16, 16)), folder / "wide")
    with pytest.MonkeyPatch.context() as patch:  # one store and one key of ids for all
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        yield folder


def evaluated(place: Path, out: str, **more: Any) -> Evaluated:
    given = {"encoder": f"ours={place / 'encoder'}", **ASKED, **FEW, **more}
    return vesalius.evaluate("invariance", data=str(place / "table.csv"), out=place / out, **given)


@pytest.fixture(scope="module")
def modes() -> list[bool]:
    """Of every module that ``ours`` called, whether it was in training mode."""
    return []


@pytest.fixture(scope="module")
def ours(place: Path, modes: list[bool]) -> Evaluated:
    hook = torch.nn.modules.module.register_module_forward_pre_hook(lambda module, _: modes.append(module.training))
    try:
        found = evaluated(place, "run")
    finally:
        hook.remove()
    return found


def values(run: Evaluated, name: str = "ours") -> dict[str, dict[str, Any]]:
    return {row["metric"]: row for row in run.results["invariance"]["cells"] if row["encoder"] == name}


def test_each_measure_of_all_and_of_each_transform_has_an_interval_over_subjects(ours: Evaluated) -> None:
    found = values(ours)
    names = [*invariances.MEASURES, *(f"{metric}@{name}" for metric in invariances.MEASURES for name in ("rotation", "h_flip"))]
    assert set(found) == set(names)
    assert next(iter(found)) == "whitened_cosine"
    for row in found.values():
        assert row["low"] < row["value"] < row["high"]
        assert (row["n"], row["units"], row["unit"]) == (20, 20, "subjects")
    for metric in invariances.MEASURES:
        assert found[metric]["value"] == pytest.approx(np.mean([found[f"{metric}@{name}"]["value"] for name in ("rotation", "h_flip")]))
    assert set(values(ours, "random init")) == set(names)
    assert 0 < found["whitened_cosine"]["value"] < 1


def test_curves_stand_on_their_parameters_and_their_mean_is_the_transform_s_value(ours: Evaluated) -> None:
    rows = [row for row in ours.results["invariance"]["curves"] if row["encoder"] == "ours" and row["metric"] == "mahalanobis"]
    rotation = [row for row in rows if row["transform"] == "rotation"]
    assert [row["x"] for row in rotation] == [15.0, 180.0, 345.0]
    assert rotation[0]["said"] == "15°"
    assert np.mean([row["value"] for row in rotation]) == pytest.approx(values(ours)["mahalanobis@rotation"]["value"])
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_what_was_estimated_is_told_and_kept(ours: Evaluated) -> None:
    told = ours.results["invariance"]["chosen"][0]
    assert (told["probes"], told["folds"], told["samples"], told["dim"], told["rank"]) == (20, 5, 152, 32, 32)
    assert told["changed_nothing"] == ["hue"]
    assert told["views"] == 20 * 4
    assert told["fit"] == pytest.approx(1, abs=0.35)
    assert 0 < told["shrinkage"] < 1
    mean, factor = (load_file(ours.path / file)["values"] for file in told["files"])
    assert (mean.shape, factor.shape) == ((5, 32), (5, 32, 32))
    assert any("fewer than five images" in text and "152 images, 32 dimensions" in text for text in ours.results["warnings"])
    for name in ("picture", "sheet"):
        assert (ours.path / ours.results["invariance"][name]).read_bytes()[:4] == b"\x89PNG"


def test_no_probed_subject_is_in_a_covariance_and_every_encoder_sees_the_same_probes(place: Path) -> None:
    pair = opened(place)
    every = pair.split("images")
    for most, pieces in ((10, 1), (60, 5)):
        probed = held_out.drawn(every.subject, most, 1)
        found = held_out.folds(pair, probed, 90, every.subject)
        assert len(found) == pieces
        assert sorted(np.concatenate([one.probed for one in found])) == list(range(most))
        for one in found:
            assert not set(every.subject[probed[one.probed]]) & set(every.subject[one.reference])
            assert len(one.reference) == 90
    first = held_out.drawn(every.subject, 80, 1)
    assert len(set(every.subject[first])) == 80  # one of each before a second of any


def opened(place: Path) -> Pair:
    from types import SimpleNamespace

    from vesalius.evaluate.pairs.opening import opened as panel
    from vesalius.terminal import Terminal

    fields = {key: value for key, value in ASKED.items() if key != "quiet"}
    found = panel(configured("invariance", (), fields, [str(place / "encoder")], [str(place / "table.csv")]), Terminal(quiet=True))
    asked: Any = SimpleNamespace(device=torch.device("cpu"), autocast=None, seed=1, batch_size=64, precision="fp32")
    return found.pair(found.encoders[0], "table", asked)


def test_what_changes_nothing_is_as_like_as_can_be(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same = viewing.features_of

    def unmoved(pair: Any, network: Any, rows: Any, transform: Any, parameters: Any = (0.0,)) -> torch.Tensor:
        return same(pair, network, rows, None).expand(-1, len(parameters), -1)

    monkeypatch.setattr(invariance, "features_of", unmoved)
    found = values(evaluated(place, "identity"))
    for metric, expected in (("whitened_cosine", 1), ("centred_cosine", 1), ("neighbours_kept", 1), ("mahalanobis", 0)):
        assert found[metric]["value"] == expected


def test_a_run_that_was_killed_goes_on_with_the_transforms_that_are_there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    same = viewing.features_of

    def killed(pair: Any, network: Any, rows: Any, transform: Any, parameters: Any = (0.0,)) -> torch.Tensor:
        if transform is not None:
            seen.append(transform.name)
        if transform is not None and transform.name == "h_flip" and seen.count("h_flip") == 1:
            raise KeyboardInterrupt
        return same(pair, network, rows, transform, parameters)

    monkeypatch.setattr(invariance, "features_of", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluated(place, "killed")
    again = vesalius.evaluate("invariance", resume=place / "killed", quiet=True)
    assert seen.count("rotation") == 2  # once for each encoder
    monkeypatch.setattr(invariance, "features_of", same)
    whole = evaluated(place, "whole")
    assert [(row["metric"], row["value"]) for row in again.results["invariance"]["cells"]] == [
        (row["metric"], row["value"]) for row in whole.results["invariance"]["cells"]
    ]


def test_every_module_is_in_evaluation_mode(ours: Evaluated, modes: list[bool]) -> None:
    assert len(modes) > 100
    assert not any(modes)


def test_the_original_s_way_collapses_and_says_so(place: Path) -> None:
    # 96 images in 128 dimensions
    found = {}
    for compat in ("none", "ssl-medicalimaging"):
        few = {"invariance.transform": "rotation", "invariance.settings": 4, "max_images": 96}
        found[compat] = evaluated(place, compat, encoder=f"wide={place / 'wide'}", compat=compat, **few)
    theirs, ours = values(found["ssl-medicalimaging"], "wide"), values(found["none"], "wide")
    assert set(theirs) == {"whitened_cosine", "mahalanobis", "whitened_cosine@rotation", "mahalanobis@rotation"}
    changed = [row for row in found["ssl-medicalimaging"].results["invariance"]["curves"] if row["metric"] == "whitened_cosine"][1:]
    assert changed[0]["transform"] == "rotation"
    assert np.mean([row["value"] for row in changed]) < 0.5 * ours["whitened_cosine"]["value"]
    said = " ".join(found["ssl-medicalimaging"].results["warnings"])
    assert "similarity then falls to about 0 whatever the encoder does" in said
    assert "wide on table 96 images, 128 dimensions" in said
    told = found["ssl-medicalimaging"].results["invariance"]["chosen"][0]
    mean, covariance = (load_file(found["ssl-medicalimaging"].path / file)["values"] for file in told["files"])
    assert (mean.shape, covariance.shape, covariance.dtype) == ((128,), (128, 128), torch.float32)
    assert [row["x"] for row in found["ssl-medicalimaging"].results["invariance"]["curves"]][:4] == [0, 90, 180, 270]


def test_a_curve_of_many_parameters_is_thinned_and_the_value_is_of_all() -> None:
    from types import SimpleNamespace

    pair: Any = SimpleNamespace(asked=SimpleNamespace(replicates=100, seed=1))
    scores = torch.rand(1, 6, 256, generator=torch.Generator().manual_seed(0)).double()
    scores[0, 0, 7] = torch.nan
    settings = {"hue": np.linspace(-0.5, 0.5, 256).tolist()}
    found = summing.measured(pair, np.array([4, 4, 5, 6, 7, 8]), {"hue": scores}, settings, ("whitened_cosine",), {})
    assert len(found.curve) == 64
    assert (found.curve[0]["x"], found.curve[-1]["x"]) == (-0.5, 0.5)
    assert found.values["whitened_cosine@hue"].value == pytest.approx(float(scores[0].nanmean(0).mean()))
    assert found.scored == (6, 5)
    assert summing.measured(pair, np.array([1, 1]), {"hue": scores[:, :2]}, settings, ("whitened_cosine",), {}).values["whitened_cosine"].replicates is None


def test_an_unknown_transform_and_too_few_images_are_one_paragraph(place: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no transform 'rotations', did you mean rotation"):
        configured("invariance", (), {"transform": "rotations"}, ["e"], ["d"])
    assert configured("invariance", (), {"transform": "all"}, ["e"], ["d"]).fields["invariance"]["transform"] == list(TRANSFORMS)
    images(tmp_path, count=10)
    with pytest.raises(UserError, match="too few to estimate a mean and a covariance"):
        vesalius.evaluate("invariance", encoder=str(place / "encoder"), data=str(tmp_path / "png"), out=tmp_path / "run", quiet=True, device="cpu", **FEW)


def test_nothing_of_a_file_is_in_the_results(ours: Evaluated) -> None:
    text = json.dumps(ours.results)
    assert ".png" not in text.replace("figures/invariance.png", "").replace("figures/transforms.png", "")
    assert not math.isnan(values(ours)["mahalanobis"]["value"])
