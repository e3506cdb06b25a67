from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.features.killed import killed
from tests.features.small_set import write_images
from vesalius.embed import embed
from vesalius.encoders import build_encoder, load_encoder, save_encoder
from vesalius.encoders.projector import MLP, save_projector
from vesalius.errors import UserError
from vesalius.report import build


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images", 12)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    encoder = build_encoder("resnet18", width=0.125, size=(16, 16))
    save_encoder(encoder, tmp_path / "encoder")
    save_projector(MLP(64, 16, 6), tmp_path / "encoder")
    return tmp_path / "encoder"


@pytest.mark.parametrize("suffix", ["parquet", "npy", "csv"])
def test_every_format_holds_the_same(images: Path, saved: Path, tmp_path: Path, suffix: str) -> None:
    result = embed(saved, str(images), out=tmp_path / f"x.{suffix}", batch_size=5, quiet=True)
    reference = embed(saved, str(images), quiet=True)
    assert result.file == tmp_path / f"x.{suffix}"
    assert np.array_equal(result.vectors, reference.vectors)
    assert result.vectors.shape == (12, 64)
    assert not list(tmp_path.glob(".x*"))


def test_rows_are_the_tables(images: Path, saved: Path, tmp_path: Path) -> None:
    embed(saved, str(images), out=tmp_path / "x.parquet", quiet=True)
    frame = pd.read_parquet(tmp_path / "x.parquet")
    assert sorted(frame["uri"]) == sorted(p.relative_to(images).as_posix() for p in images.rglob("*.png"))
    assert [uri.split("/")[0] for uri in frame["uri"]] == [["even", "odd"][int(v)] for v in frame["label.class"]]
    assert frame["id"].str.fullmatch("[0-9a-f]{16}").all()
    # equal to the encoder by hand, on an image that needs no resizing but the card's
    encoder = load_encoder(saved)
    assert encoder.card.dim == len(frame["vector"][0])


def test_paths_are_only_where_the_user_named_a_file(images: Path, saved: Path, tmp_path: Path) -> None:
    plain = embed(saved, str(images), quiet=True)
    assert "uri" not in pd.read_parquet(plain.file).columns
    named = embed(saved, str(images), out=tmp_path / "x.csv", quiet=True)
    for path in [*plain.path.rglob("*"), *named.path.rglob("*")]:
        if path.is_file():
            assert b"0003.png" not in path.read_bytes()


def test_normalised_layers_and_projected(images: Path, saved: Path) -> None:
    pooled = torch.from_numpy(embed(saved, str(images), quiet=True).vectors.copy())
    unit = embed(saved, str(images), normalise=True, quiet=True).vectors
    np.testing.assert_allclose(unit, torch.nn.functional.normalize(pooled, dim=1), atol=1e-6)
    assert embed(saved, str(images), layer="layer2", quiet=True).vectors.shape == (12, 16)
    from vesalius.encoders.projector import load_projector

    projector = load_projector(saved)
    assert projector is not None
    projected = embed(saved, str(images), layer="projected", quiet=True).vectors
    np.testing.assert_allclose(projected, projector(pooled).detach().numpy(), atol=1e-5)


def test_the_result_is_a_run_with_a_report(images: Path, saved: Path, tmp_path: Path) -> None:
    (images / "even" / "broken.png").write_bytes(b"no image")
    for i in range(30):  # so that one in 43 is below the allowed share
        write_images(images, 1, start=100 + i)
    result = embed(str(saved), str(images), quiet=True)
    assert result.results["kind"] == "embed"
    assert result.results["rows"] == 42
    assert result.results["left_out"] == 1
    assert json.loads((result.path / "run.json").read_text())["state"] == "done"
    (left_out,) = json.loads((result.path / "left_out.json").read_text())
    assert set(left_out) == {"id", "reason"}
    assert "42 × 64" in result._repr_html_()
    assert result.report() == build([result.path])
    assert result.report().is_file()
    assert result.encoder.card.dim == 64


def test_one_image_will_do(saved: Path, tmp_path: Path) -> None:
    assert embed(saved, str(write_images(tmp_path / "one", 1)), quiet=True).vectors.shape == (1, 64)


def test_finished_work_is_not_repeated(images: Path, saved: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.npy"
    first = embed(saved, str(images), out=out, quiet=True)
    stamp = out.stat().st_mtime_ns
    again = embed(saved, str(images), out=out, quiet=True)
    assert out.stat().st_mtime_ns == stamp
    same = {k: v for k, v in again.results.items() if k != "computed"}
    assert same == {k: v for k, v in first.results.items() if k != "computed"}
    embed(saved, str(images), out=out, layer="layer1", quiet=True)
    assert np.load(out).shape == (12, 8)
    embed(saved, str(images), out=out, layer="layer1", resume=False, quiet=True)
    write_images(images, 2, start=50)
    assert embed(saved, str(images), out=out, layer="layer1", quiet=True).vectors.shape == (14, 8)


@pytest.mark.parametrize("suffix", ["parquet", "npy"])
def test_killed_and_gone_on_with(images: Path, saved: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"x.{suffix}"
    whole = embed(saved, str(images), out=tmp_path / f"whole.{suffix}", batch_size=1, quiet=True)
    killed("embed", saved, images, out)
    assert not out.exists()
    marker = json.loads((tmp_path / f".{out.name}.partial" / "done.json").read_text())
    assert 3 <= marker["done"] < 12
    began = time.perf_counter()
    resumed = embed(saved, str(images), out=out, batch_size=1, quiet=True)
    assert time.perf_counter() - began < 30
    assert json.loads((resumed.path / "run.json").read_text())["computed"] == 12 - marker["done"]
    assert np.array_equal(resumed.vectors, whole.vectors)
    assert not list(tmp_path.glob(".x*"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"out": "x.xlsx"}, "Name a file ending in"),
        ({"split": "test"}, r"no readable image in the split 'test'. It has no split: 12"),
        ({"layer": "layer9"}, "no layer 'layer9'"),
        ({"batch_size": 0}, "at least 1"),
        ({"device": "tpu"}, "auto, cpu"),
    ],
)
def test_refusals(images: Path, saved: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        embed(saved, str(images), quiet=True, **options)


def test_projected_needs_a_projector(images: Path) -> None:
    with pytest.raises(UserError, match="no projector"):
        embed(build_encoder("resnet18", width=0.125), str(images), layer="projected", quiet=True)


def test_grey_encoders_and_encoder_objects(images: Path) -> None:
    encoder = build_encoder("resnet18", width=0.125, channels=1, size=(16, 16))
    assert embed(encoder, str(images), quiet=True).vectors.shape == (12, 64)
    assert encoder.training


def test_random_weights_are_said(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    embed("resnet18", str(images))
    assert "resnet18 is the name of a network, and its weights are random" in capsys.readouterr().err
