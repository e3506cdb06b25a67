from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import vesalius
from tests.evaluate.made import Drawn
from tests.trees import chexpert, transfer
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.evaluate.pairs.pair import Split
from vesalius.evaluate.protocols import multiview_invariance as protocol
from vesalius.evaluate.transformed import pairing
from vesalius.evaluate.verb import Evaluated

ASKED: dict[str, Any] = {"replicates": 100, "quiet": True, "device": "cpu"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("views")
    save_encoder(build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=3), folder / "encoder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        yield folder


def evaluated(place: Path, data: str, out: str, **more: Any) -> Evaluated:
    return vesalius.evaluate("multiview-invariance", encoder=f"ours={place / 'encoder'}", data=data, out=place / out, **ASKED, **more)


def values(run: Evaluated, name: str = "ours") -> dict[str, float]:
    return {row["metric"]: row["value"] for row in run.results["multiview_invariance"]["cells"] if row["encoder"] == name}


class Views(Drawn):
    """Two vectors of each of ``people``, whose whitened coordinates correlate by ``rho``; every tenth has only one. ``kept``: columns."""

    def __init__(self, rho: float, people: int = 400, dim: int = 12, cells: Any = None, columns: tuple[str, ...] = ("study", "view")) -> None:
        super().__init__(counts=(4, 4, 4), replicates=200)
        rng = np.random.default_rng(0)
        spread = np.arange(1, dim + 1) ** -0.5
        one, noise = rng.normal(size=(people, dim)), rng.normal(size=(people, dim))
        both = np.stack([one, rho * one + np.sqrt(1 - rho**2) * noise], 1).reshape(-1, dim) * spread + 3
        keep = np.ones(2 * people, bool)
        keep[1::20] = False
        who = np.repeat(np.arange(people), 2)[keep]
        frame = pd.DataFrame({"study": [f"s{n}" for n in who], "view": np.array(["frontal", "lateral"] * people)[keep], "subject": [f"p{n // 2}" for n in who]})
        self._vectors["images"] = torch.tensor(both[keep], dtype=torch.float32)
        ids = np.arange(len(who), dtype=np.uint64)
        self._splits["images"] = Split("images", np.arange(len(who)), torch.full((len(who),), torch.nan), who // 2, ids, frame[[*columns, "subject"]])
        self.data.table.rows_meant, self.data.table.source = "", "table"  # type: ignore[misc]
        self.asked.cells = cells or Kept()  # type: ignore[misc]

    @property
    def key_of_images(self) -> str:
        return "views"


class Kept:
    def kept(self, name: str, key: str, make: Any) -> torch.Tensor:
        return make()


@pytest.mark.parametrize("probes", [100, 10_000])
@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
def test_a_known_correlation_of_views_is_recovered_beside_what_is_no_pair(rho: float, probes: int) -> None:
    found = protocol.measure(protocol.Config(probes=probes), Views(rho))
    value = {name: one.value for name, one in found.values.items()}
    assert value["whitened_cosine"] == pytest.approx(rho, abs=0.07)
    assert value["unpaired_cosine"] == pytest.approx(0, abs=0.05)
    assert value["mahalanobis"] == pytest.approx(np.sqrt(2 * (1 - rho)), rel=0.1)
    assert value["pairing_auc"] == pytest.approx({0.0: 0.5, 0.6: 0.97, 0.95: 1.0}[rho], abs=0.07)
    assert found.facts["folds"] == 5
    assert found.facts["without_partner"] == 40
    assert found.facts["pairs_there"] == 360
    assert found.facts["views"] == ["frontal", "lateral"]
    assert next(iter(found.values)) == "whitened_cosine"
    low, high = np.quantile(found.values["pairing_auc"].replicates.numpy(), [0.025, 0.975])
    assert low <= value["pairing_auc"] <= high


def test_pairs_are_oriented_by_their_view_and_no_person_is_on_both_sides() -> None:
    pair = Views(0.5)
    every, view = pairing.pairs(pair, "", "", (), "one"), pair.split("images").frame["view"].to_numpy()
    assert set(view[every.one]) == {"frontal"}
    assert set(view[every.other]) == {"lateral"}
    turned = pairing.pairs(pair, "study", "view", ("lateral", "frontal"), "one")
    assert set(view[turned.one]) == {"lateral"}
    whole = pairing.pairs(pair, "subject", "", (), "all")
    person = pair.split("images").frame["subject"].to_numpy()
    expected = sum((view[person == who] == "frontal").sum() * (view[person == who] == "lateral").sum() for who in set(person))
    assert len(whole.one) == expected > len(every.one)
    assert len(np.unique(every.people)) == 200
    either = pairing.pairs(Views(0.5, columns=("study",)), "", "", (), "one")
    assert (either.told_by, either.views) == ("", ())


def test_a_column_or_view_that_is_not_there_is_one_paragraph() -> None:
    with pytest.raises(UserError, match=r"no column 'exam'.*Name one with --pair: study, view, subject"):
        pairing.pairs(Views(0.5), "exam", "", (), "one")
    with pytest.raises(UserError, match=r"has the view 'oblique'\. Its views: frontal, lateral"):
        pairing.pairs(Views(0.5), "", "", ("frontal", "oblique"), "one")


def test_frontal_and_lateral_images_of_one_study_of_chexpert(place: Path) -> None:
    home = chexpert.write(place / "chexpert", 24, side=16)
    with pytest.raises(UserError, match=r"views of one study.*--filter all"):
        evaluated(place, f"chexpert@{home}", "default")
    run = evaluated(place, f"chexpert@{home}", "chexpert", filter="all")
    told = run.results["multiview_invariance"]["chosen"][0]
    assert (told["pairs"], told["pair"], told["view"], told["views"]) == (24, "study", "view", ["frontal", "lateral"])
    assert told["without_partner"] == 12
    assert set(values(run)) == {"whitened_cosine", "mahalanobis", "centred_cosine", "neighbours_kept", "unpaired_cosine", "pairing_auc"}
    assert "pixel PCA" in {row["encoder"] for row in run.results["multiview_invariance"]["cells"]}
    assert load_file(run.path / told["files"][0])["values"].shape == (5, 32)


def test_as_the_original_paired_chexpert_a_lateral_without_its_sibling_is_counted(place: Path) -> None:
    home = chexpert.write(place / "original", 24, side=16)
    lateral = sorted(home.glob("train/*/*/view2_lateral.jpg"))[0]
    table = home / "train.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(True) if str(lateral.parent.relative_to(home)) + "/view1" not in line))
    run = evaluated(place, f"chexpert@{home}", "compat", compat="ssl-medicalimaging")
    told = run.results["multiview_invariance"]["chosen"][0]
    assert (told["pairs"], told["without_partner"]) == (100, 1)
    assert set(values(run)) == {"whitened_cosine", "mahalanobis"}
    assert told["files"] == ["multiview-invariance/ours/chexpert/mean_feature.safetensors", "multiview-invariance/ours/chexpert/feature_cov_matrix.safetensors"]
    assert any("helped to estimate" in text for text in run.results["warnings"])


def test_both_eyes_of_eyepacs_and_under_compat_those_of_one_grade(place: Path) -> None:
    root = transfer.eyepacs(place / "eyepacs", people=24)
    table = root / "trainLabels.csv"
    table.write_text(table.read_text().replace("10_right,1", "10_right,0").replace("11_right,2", "11_right,1"))
    run = evaluated(place, f"eyepacs@{root}", "eyes")
    told = run.results["multiview_invariance"]["chosen"][0]
    assert (told["pairs"], told["pair"], told["view"], told["views"]) == (29, "subject", "laterality", ["L", "R"])
    theirs = evaluated(place, f"diabetic_retinopathy@{root}", "eyes-compat", compat="ssl-medicalimaging")
    assert theirs.results["multiview_invariance"]["chosen"][0]["pairs_there"] == 2  # all others differ by one grade


def test_any_table_with_a_pairing_column(place: Path) -> None:
    folder = place / "visits"
    folder.mkdir()
    rng, rows = np.random.default_rng(0), []
    for person in range(30):
        base = rng.integers(0, 255, (20, 20))
        for visit in range(2):
            mixed = (0.7 * base + 0.3 * rng.integers(0, 255, (20, 20))).astype(np.uint8)
            Image.fromarray(mixed).save(folder / f"{person}-{visit}.png")
            rows.append({"file": f"{person}-{visit}.png", "lesion": f"l{person}", "visit": f"v{visit}"})
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    run = evaluated(place, str(folder / "table.csv"), "visits-run", pair="lesion", view="visit")
    told = run.results["multiview_invariance"]["chosen"][0]
    assert (told["pairs"], told["views"]) == (30, ["v0", "v1"])
    assert values(run, "pixel PCA")["pairing_auc"] > 0.9
