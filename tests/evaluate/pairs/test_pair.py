"""One encoder on one data set: its parts, whose samples they are, and what a cell of it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import BaseModel

from tests import labelled
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.evaluate.asked import Asked
from vesalius.evaluate.cells import Cells
from vesalius.evaluate.config import configured
from vesalius.evaluate.pairs.comparing import judged_cells
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.opening import opened
from vesalius.evaluate.pairs.pair import FEW, Pair, Split
from vesalius.evaluate.pairs.panel import PIXELS, RANDOM, Panel
from vesalius.terminal import Terminal


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("pair")
    table = pd.read_csv(labelled.images(folder / "data", count=40))
    table.loc[::5, "ill"] = None
    table.to_csv(folder / "data" / "table.csv", index=False)
    encoder = build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=7)
    encoder.card = encoder.card.model_copy(update={"trained_on": "a test"})
    save_encoder(encoder.eval(), folder / "net")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(folder / "cache"))
        fields = {"labels": "ill", "subject": "patient", "split.test": 0.3}
        yield opened(configured("knn", (), fields, [str(folder / "net")], [str(folder / "data" / "table.csv")]), Terminal(quiet=True))


@pytest.fixture
def asked(panel: Panel, tmp_path: Path) -> Asked:
    return Asked((), None, Cells(tmp_path), torch.device("cpu"), None, 1, 16, Terminal(quiet=True), 100, panel=panel)  # type: ignore[arg-type]


@pytest.fixture
def pair(panel: Panel, asked: Asked) -> Pair:
    return panel.pair(panel.encoders[0], "table", asked)


def test_parts_hold_labelled_samples_and_images_all(pair: Pair) -> None:
    parts = [pair.split(name) for name in ("train", "val", "test")]
    assert sum(map(len, parts)) == len(pair.split("all")) == 32
    assert not any(part.labels.isnan().any() for part in parts)
    every = pair.split("images")
    assert len(every) == 40
    assert every.labels.isnan().all()
    assert (np.diff(every.ids.astype(float)) > 0).all(), "in the order of their ids"
    subjects = [set(part.subject) for part in parts]
    assert not any(a & b for a in subjects for b in subjects if a is not b)


def test_groups_are_numbered_within_a_part() -> None:
    part = Split("test", np.arange(5), torch.zeros(5), np.array([7, 3, 7, 9, 3]), np.arange(5, dtype=np.uint64), pd.DataFrame({"n": range(5)}))
    assert part.groups.tolist() == [0, 1, 0, 2, 1]


def test_the_key_knows_encoder_labels_and_images(panel: Panel, asked: Asked, pair: Pair) -> None:
    assert pair.key == panel.pair(panel.encoders[0], "table", asked).key
    other = panel.pair(panel.baselines([RANDOM])[0], "table", asked)
    assert len({pair.key, pair.key_of_images, other.key, other.key_of_images}) == 4


def test_few_images_have_no_interval(pair: Pair) -> None:
    assert pair.replicated(torch.ones(2, FEW - 1)) is None
    found = pair.replicated(torch.stack([torch.ones(40), torch.arange(40.0)]).double())
    assert found is not None
    assert found.shape == (2, 100)
    torch.testing.assert_close(found[0], torch.ones(100).double())


def test_pixels_are_components_of_the_training_part(panel: Panel, asked: Asked) -> None:
    (pixels,) = panel.baselines([PIXELS])
    data = panel.data("table", pixels)
    train = pixels.features(data, data.rows("train"), "pooled", asked)  # unlabelled ones too
    assert train.shape[1] <= 128
    assert train.mean(0).abs().max() < 1e-2 * train.abs().max(), "about the training images' mean"
    assert panel.baselines([PIXELS])[0] is pixels, "made once"


def test_one_pair_that_cannot_be_measured_does_not_stop_the_others(panel: Panel, asked: Asked) -> None:
    class Config(BaseModel):
        pass

    def measure(_: BaseModel, pair: Pair) -> Measured:
        if pair.encoder.baseline:
            raise UserError(f"{pair.encoder.name} has nothing to say here.")
        return Measured(values={"x": Value(1.0)}, scored=(3, 2))

    pairs = list(asked.pairs((PIXELS,)))
    cells, absent = judged_cells("mine", Config(), asked, measure, pairs, labels=False)
    assert [name for name, _ in cells] == ["net"]
    assert absent == [{"encoder": PIXELS, "data": "table", "reason": f"{PIXELS} has nothing to say here."}]
    with pytest.raises(UserError, match="nothing to say"):
        judged_cells("other", Config(), asked, measure, pairs[1:], labels=False)
