from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import vesalius
from tests.evaluate.made import Drawn
from tests.labelled import encoder, images
from vesalius.encoders import load_encoder
from vesalius.errors import UserError
from vesalius.evaluate.pairs.pair import Split
from vesalius.evaluate.protocols import rank
from vesalius.measures import rank as plain


class Unlabelled(Drawn):
    """``rows`` features of rank ``r`` in 24 dimensions, two of each subject."""

    def __init__(self, r: int, rows: int = 1500, **options: int) -> None:
        super().__init__(counts=(4, 4, 4), **options)
        rng = np.random.default_rng(0)
        basis = np.linalg.qr(rng.normal(size=(24, r)))[0]
        self._vectors["images"] = torch.tensor(rng.normal(size=(rows, r)) @ basis.T, dtype=torch.float32)
        none = torch.full((rows,), torch.nan)
        self._splits["images"] = Split("images", np.arange(rows), none, np.arange(rows) // 2, np.arange(rows, dtype=np.uint64), None)


@pytest.mark.parametrize("r", [2, 12])
def test_a_known_rank_is_found_and_lies_in_its_interval(r):
    found = rank.measure(rank.Config(), Unlabelled(r))
    for name in ("rankme", "effective_rank", "participation_ratio"):
        value = found.values[name]
        assert value.value == pytest.approx(r, rel=0.03)
        assert float(value.replicates.std()) > 0
        assert len(value.replicates) == 100
    assert next(iter(found.values)) == "rankme"
    assert found.scored == (1500, 750)
    assert "few for" not in found.facts.get("note", "")


def test_a_large_set_is_drawn_from_alike_for_all_encoders_and_few_images_are_said():
    pair = Unlabelled(5, rows=300)
    found = rank.measure(rank.Config(images=100), pair)
    rows = rank.drawn(300, 100, 1)
    assert len(set(rows.tolist())) == 100
    assert found.values["effective_rank"].value == pytest.approx(plain.spread(pair.features("images")[torch.from_numpy(rows)]).effective_rank, rel=1e-5)
    assert "100 images are few for 24 dimensions" in found.facts["note"]


def test_features_that_are_not_finite_and_two_images_are_one_paragraph():
    broken = Unlabelled(3)
    broken._vectors["images"][0] = torch.inf
    with pytest.raises(UserError, match="not finite"):
        rank.measure(rank.Config(), broken)
    with pytest.raises(UserError, match="has 2 images"):
        rank.measure(rank.Config(), Unlabelled(2, rows=2))


def test_images_without_any_label_are_examined(tmp_path):
    table = images(tmp_path, count=30)
    table.unlink()
    run = vesalius.evaluate(
        "rank", encoder=str(encoder(tmp_path / "encoder")), data=str(tmp_path / "png"), out=tmp_path / "run", replicates=100, quiet=True,
        device="cpu", **{"rank.lidar_images": 8, "rank.lidar_views": 3},
    )  # fmt: skip
    found = json.loads((run.path / "results.json").read_text())["rank"]
    values = {row["metric"]: row for row in found["cells"]}
    assert set(values) == {"rankme", "effective_rank", "alpha_req", "lidar", "participation_ratio", "stable_rank", "uniformity", "alignment"}
    assert values["rankme"]["n"] == 30
    assert 0 < values["lidar"]["value"] < 8
    assert values["lidar"]["low"] < values["lidar"]["high"]
    chosen = found["chosen"][0]
    assert (chosen["lidar_images"], chosen["lidar_views"], chosen["views_forwarded"]) == (8, 3, 24)


def test_views_end_as_the_card_prepares_images(tmp_path):
    made = load_encoder(str(encoder(tmp_path / "encoder")))
    made.card = made.card.model_copy(update={"preprocessing": [{"centre_crop": {}}, {"equalise": {"bins": 256}}]})
    steps = rank.changed(made).config()["global"]["operations"]
    assert "equalise" in steps[-1]
    assert not any("centre_crop" in step for step in steps)
