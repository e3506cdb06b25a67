"""``vesalius predict``: every readable image gets its row, whatever lies beside it, and a kill costs nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from tests.features.killed import killed
from tests.features.small_set import write_images
from vesalius.cli import main
from vesalius.data.task import TaskSpec
from vesalius.embed import embed
from vesalius.encoders import build_encoder
from vesalius.errors import TooManyBadFiles, UserError
from vesalius.predict import predict
from vesalius.tasks import heads
from vesalius.tasks.classifier import Classifier

THREE = TaskSpec("class", "classes", ("class",), ("ant", "bee", "cat"))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images", 12)


def model(task: TaskSpec = THREE, channels: int = 3) -> Classifier:
    encoder = build_encoder("resnet18", width=0.125, channels=channels, size=(16, 16))
    head = heads.empty(task, encoder.card.dim)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return Classifier(encoder, head, temperature=1.5)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    model().save(tmp_path / "classifier")
    return tmp_path / "classifier"


def test_the_probabilities_are_the_classifiers(images: Path, run: Path, tmp_path: Path) -> None:
    found = predict(run, str(images), out=tmp_path / "p.parquet", batch_size=5, quiet=True).table
    pooled = embed(run, str(images), out=tmp_path / "e.parquet", quiet=True)
    loaded = Classifier.load(run)
    expected = loaded.cooled(loaded.head_logits(torch.from_numpy(pooled.vectors))).detach().numpy()
    shares = found[["prob_ant", "prob_bee", "prob_cat"]].to_numpy()
    np.testing.assert_allclose(shares, expected, atol=1e-6)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    assert found["prediction"].tolist() == [THREE.classes[i] for i in expected.argmax(1)]
    assert found["uri"].tolist() == pd.read_parquet(tmp_path / "e.parquet")["uri"].tolist()


def test_what_cannot_be_read_is_named_and_the_rest_predicted(
    images: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "even" / "broken.png").write_bytes(b"no image")
    Image.fromarray(np.zeros((9, 9, 4), np.uint8), "CMYK").save(images / "even" / "cmyk.tif")
    write_images(images, 1, start=77)
    bad = images / "odd" / "five.npy"
    bad.write_bytes(b"")
    result = predict(run, str(images), out=tmp_path / "p.csv")
    assert "Left out even/broken.png:" in capsys.readouterr().err
    frame = pd.read_csv(tmp_path / "p.csv")
    assert len(frame) == 14, "12, one more, and the CMYK image, which is read"
    lost = pd.read_csv(tmp_path / "p.left_out.csv")
    assert lost["uri"].tolist() == ["even/broken.png"]
    assert json.loads((result.path / "left_out.json").read_text())[0]["id"] == lost["id"][0]
    assert result.results["left_out"] == 1


def test_other_channels_than_the_encoders_are_left_out(tmp_path: Path) -> None:
    import tifffile

    model(channels=5).save(tmp_path / "classifier")
    (tmp_path / "images").mkdir()
    for i in range(4):
        tifffile.imwrite(tmp_path / "images" / f"{i}.tif", np.full((20, 20, 5 if i else 3), 40 * i, np.uint8), photometric="minisblack", planarconfig="contig")
    found = predict(tmp_path / "classifier", str(tmp_path / "images"), out=tmp_path / "p.csv", quiet=True)
    assert found.table["uri"].tolist() == ["1.tif", "2.tif", "3.tif"]
    lost = pd.read_csv(tmp_path / "p.left_out.csv")
    assert lost["uri"].tolist() == ["0.tif"]
    assert lost["reason"][0] == "It has 3 channels, which cannot become 5."


def test_without_a_file_the_run_holds_ids_only(images: Path, run: Path) -> None:
    (images / "even" / "broken.png").write_bytes(b"no image")
    result = predict(run, str(images), quiet=True)
    assert result.file == result.path / "predictions.parquet"
    assert "uri" not in result.table
    for file in result.path.rglob("*"):
        if file.is_file() and file.name != "config.yaml":
            assert b"0003.png" not in file.read_bytes()
            assert b"broken" not in file.read_bytes()


def test_the_command(images: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(run), str(images), "--out", str(tmp_path / "p.csv")])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "p.csv")


def test_killed_and_gone_on_with(images: Path, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.parquet"
    whole = predict(run, str(images), out=tmp_path / "whole.parquet", batch_size=1, quiet=True).table
    killed("predict", run, images, out)
    assert not out.exists()
    resumed = predict(run, str(images), out=out, batch_size=1, quiet=True)
    done = json.loads((resumed.path / "run.json").read_text())["computed"]
    assert 0 < done <= 12 - 3
    pd.testing.assert_frame_equal(resumed.table, whole)
    assert json.loads((predict(run, str(images), out=out, batch_size=1, quiet=True).path / "run.json").read_text())["computed"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"out": "x.npy"}, r"Name a file ending in \.parquet or \.csv"),
        ({"split": "test"}, "no readable image in the split 'test'"),
        ({"batch_size": 0}, "at least 1"),
    ],
)
def test_refusals(images: Path, run: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        predict(run, str(images), quiet=True, **options)  # type: ignore[arg-type]


def test_a_run_without_classifier_and_a_folder_of_rubbish(images: Path, run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no classifier"):
        predict(images, str(images), out="folder", quiet=True)
    with pytest.raises(UserError, match="There is no run 'nowhere'"):
        predict("nowhere", str(images), quiet=True)
    (tmp_path / "rubbish").mkdir()
    (tmp_path / "rubbish" / "a.png").write_bytes(b"x")
    with pytest.raises(TooManyBadFiles, match="1 of 1 images"):
        predict(run, str(tmp_path / "rubbish"), quiet=True)
