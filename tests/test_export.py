"""The verb: what it refuses, what it leaves when something goes wrong, and that both ways write the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import vesalius
from vesalius.cli import main
from vesalius.encoders import Encoder, build_encoder, load_encoder, save_encoder
from vesalius.encoders.exporting import timm as timm_target
from vesalius.errors import Mismatch, UserError
from vesalius.export import export

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def encoder() -> Encoder:
    return build_encoder("timm:resnet10t", size=(32, 32), mean=(0.2, 0.45, 0.7), std=(0.15, 0.3, 0.6))


@pytest.fixture
def saved(encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save_encoder(encoder, tmp_path / "mine")
    return Path("mine")


@pytest.mark.parametrize("target", ["safetensors", "timm", "hf", "onnx"])
def test_both_ways(saved: Path, call: Call, target: str) -> None:
    code, out, err = call("export", saved, "--to", target, "--out", "cli")
    assert (code, out) == (0, "cli\n")
    result = vesalius.export(saved, to=target, out="python", quiet=True)
    names = sorted(p.name for p in result.path.iterdir())
    assert names == sorted(p.name for p in Path("cli").iterdir())
    for name in names:
        assert (result.path / name).read_bytes() == Path("cli", name).read_bytes(), name
    checked = result.facts["checked"]
    assert f"largest difference {checked['difference']:.1e} in {', '.join(checked['outputs'])}" in err
    assert ("Standardisation is inside" in err) == (target in ("safetensors", "onnx"))
    assert ("Standardisation is yours to do" in err) == (target in ("timm", "hf"))
    assert result.difference == checked["difference"]
    assert f"{result.difference:.1e}" in result._repr_html_()


def test_torchvision_by_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call("export", "torchvision:squeezenet1_1", "--size", 64, "--to", "torchvision")
    assert (code, out) == (0, "exports/torchvision\n")
    assert "torchvision:squeezenet1_1 for torchvision: largest difference 0.0e+00 in pooled" in err
    facts = json.loads(Path("exports/torchvision/export.json").read_text())
    assert facts["input"]["size"] == [64, 64]


def test_where_it_goes_by_itself(saved: Path) -> None:
    assert export(saved, to="timm", quiet=True).path == saved / "exports" / "timm"
    assert load_encoder(saved).card.dim == 512, "the encoder's folder is still one"
    assert export(str(saved), to="safetensors", quiet=True).file == saved / "exports" / "safetensors" / "encoder.safetensors"
    assert export("timm:resnet10t", weights=str(saved), size=32, to="timm", quiet=True).path == Path("exports/timm")
    weights = [json.loads(Path(p, "exports/timm/export.json").read_text())["weights"] for p in (".", "mine")]
    assert weights[0] == weights[1]


def test_an_encoder_object_is_left_as_it_was(encoder: Encoder, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    card = encoder.card
    encoder.train().to(torch.float64)
    encoder.network.layer1.eval()
    result = export(encoder, to="safetensors", out=tmp_path / "x", quiet=True)
    assert encoder.training
    assert not encoder.network.layer1.training
    assert encoder.card == card
    assert all(value.dtype is torch.float64 for name, value in encoder.named_parameters())
    assert all(torch.equal(value, encoder.state_dict()[name].to(value.dtype)) for name, value in before.items())
    assert load_encoder(result.path).card.weights == result.facts["weights"]


def test_a_difference_leaves_nothing_and_ends_with_1(saved: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that forgets the standardisation is seen."""
    monkeypatch.setattr(timm_target, "standardise", lambda x, facts: x)
    for words in (["--to", "timm"], ["--to", "timm", "--out", "there"]):
        code, out, err = call("export", saved, *words)
        assert (code, out) == (1, "")
        assert err.count("\n") == 1
        assert "changed on the way to timm: loaded again by timm, the largest difference is" in err
    assert not Path("there").exists()
    assert [p.name for p in (saved / "exports").iterdir()] == []
    with pytest.raises(Mismatch, match=r"1e-04 of it is allowed. Nothing was written"):
        export(saved, to="timm", out="there", quiet=True)


def test_a_wrong_tensor_is_seen(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = timm_target.tensor_bytes

    def wrong(tensors: dict[str, torch.Tensor]) -> bytes:
        return honest({k: v + 1e-2 if k == "layer4.0.bn2.bias" else v for k, v in tensors.items()})

    monkeypatch.setattr(timm_target, "tensor_bytes", wrong)
    with pytest.raises(Mismatch):
        export(saved, to="timm", out="there", quiet=True)


def test_what_stands_there_stays(saved: Path, call: Call) -> None:
    Path("full").mkdir()
    Path("full/theirs.txt").write_text("theirs")
    Path("file").write_text("a file")
    code, _, err = call("export", saved, "--to", "timm", "--out", "full")
    assert code == 2
    assert err == "full already holds theirs.txt. Name another folder with --out, or delete this one first.\n"
    assert Path("full/theirs.txt").read_text() == "theirs"
    assert call("export", saved, "--to", "timm", "--out", "file")[0] == 2
    code, _, err = call("export", saved, "--to", "onnx", "--out", "encoder.onnx")
    assert (code, "An export is a folder" in err) == (2, True)
    Path("empty").mkdir()
    assert call("export", saved, "--to", "timm", "--out", "empty")[0] == 0
    code, _, err = call("export", saved, "--to", "timm", "--out", "empty")
    assert (code, "already holds README.md, export.json, model.safetensors" in err) == (2, True)


def test_one_paragraph_says_what_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("from torch import nn\ndef build(channels):\n    return nn.Conv2d(channels, 4, 3)\n")
    for name, target, words in (
        ("resnet18", "timm", "timm's resnet18 has the standard stem alone, this one the small. What works for it: --to onnx, safetensors, torchvision."),
        ("mine.py:build", "hf", "timm has no network of the name mine.py:build. What works for it: --to onnx, safetensors."),
        ("mine.py:build", "torchvision", "What works for it: --to onnx, safetensors."),
        ("timm:resnet10t", "torchvision", "What works for it: --to hf, onnx, safetensors, timm."),
    ):
        code, out, err = call("export", name, "--to", target)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert f"{name} cannot be exported to {target}" in err
        assert words in err
    code, _, err = call("export", "resnet18", "--to", "tim")
    assert (code, "no 'tim' among the exports. Did you mean timm?" in err) == (2, True)
    assert call("export", "nowhere", "--to", "timm")[0] == 2
    assert call("export", "resnet18")[0] == 2
    assert not Path("exports").exists()


def test_no_path_travels(saved: Path) -> None:
    card = json.loads((saved / "encoder.json").read_text())
    secret = "/data/Doe_Jane_19610203/scans"
    card.update(trained_on=f"scans in {secret}", notes=[f"started from {secret}/last.ckpt"], licence=f"see {secret}/LICENCE")
    (saved / "encoder.json").write_text(json.dumps(card))
    for target in ("safetensors", "timm", "hf", "onnx"):
        folder = export(saved, to=target, out=f"to-{target}", quiet=True).path
        for file in folder.iterdir():
            content = file.read_bytes()
            assert b"Doe_Jane" not in content, file
            assert str(Path.cwd()).encode() not in content, file
        assert "started from last.ckpt" in (folder / "README.md").read_text()
        shutil.rmtree(folder)


def test_options_are_for_names(saved: Path) -> None:
    with pytest.raises(UserError, match="size cannot be chosen again"):
        export(saved, to="timm", size=64, quiet=True)
