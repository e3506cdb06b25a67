"""References of encoders and data, as they are typed, made into a panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import labelled
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.evaluate.config import configured
from vesalius.evaluate.pairs import opening
from vesalius.evaluate.pairs.panel import Panel
from vesalius.terminal import Terminal


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opening")
    labelled.images(folder / "data", count=30)
    save_encoder(build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=1).eval(), folder / "net")
    return folder


@pytest.fixture(autouse=True)
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(place / "cache"))


def panel(place: Path, encoders: list[str], **more: Any) -> Panel:
    fields = {"labels": "ill", "subject": "patient", **more}
    return opening.opened(configured("knn", (), fields, [one.format(place) for one in encoders], [str(place / "data" / "table.csv")]), Terminal(quiet=True))


@pytest.mark.parametrize(
    ("given", "name", "reference"),
    [("a=runs/x", "a", "runs/x"), ("runs/x", "", "runs/x"), ("runs/a=b", "", "runs/a=b"), ("mlflow:#x=1", "", "mlflow:#x=1"), ("a=b=c", "a", "b=c")],
)
def test_a_name_stands_before_an_equals_sign(given: str, name: str, reference: str) -> None:
    assert opening._named(given) == (name, reference)


def test_each_encoder_at_each_size_under_its_own_name(place: Path) -> None:
    found = panel(place, ["{}/net", "mine={}/net"], image_size="16,32")
    assert [one.name for one in found.encoders] == ["net@16", "net@32", "mine@16", "mine@32"]
    assert [one.card.size for one in found.encoders] == [(16, 16), (32, 32)] * 2
    assert len(opening._alike(found.encoders)) == 2


def test_random_weights_are_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured("knn", (), {"labels": "ill", "subject": "patient"}, ["resnet18", "random_r18"], [str(place / "data" / "table.csv")])
    opening.opened(config, Terminal())
    assert capsys.readouterr().err.count("its weights are random") == 1


def test_data_without_a_division_are_divided_by_subject(place: Path) -> None:
    (table,) = panel(place, ["{}/net"]).tables.values()
    assert set(table.frame["split"]) == {"train", "val", "test"}
    assert table.frame.groupby("subject")["split"].nunique().max() == 1


def test_images_are_needed(place: Path) -> None:
    config = configured("rank", (), {}, [str(place / "net")], [str(place / "data" / "table.csv")]).model_copy(update={"data": []})
    with pytest.raises(UserError, match="which images to evaluate on"):
        opening.opened(config, Terminal(quiet=True))
