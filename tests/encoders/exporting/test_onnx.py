from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from tests.encoders.exporting.written import MEAN, STD, checked, trained
from vesalius.encoders import build_encoder
from vesalius.encoders.exporting import onnx as target
from vesalius.errors import UserError
from vesalius.export import export

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet18", {"width": 0.125, "size": (16, 16), "mean": MEAN, "std": STD}),
        ("resnet18", {"width": 0.0625, "size": (16, 16, 16), "channels": 1}),
        ("timm:vit_tiny_patch16_224", {"depth": 1, "size": (32, 32), "mean": MEAN, "std": STD}),
        ("monai:vit", {"hidden_size": 24, "mlp_dim": 48, "num_heads": 2, "num_layers": 1, "size": (32, 32, 32), "channels": 1}),
        ("monai:segresnet", {"init_filters": 8, "blocks_down": [1, 1], "size": (16, 16, 16), "channels": 1}),
        ("resenc-l", {"features": [8, 16], "size": (16, 16, 16), "channels": 1}),
        ("torchvision:squeezenet1_1", {"size": (64, 64), "channels": 1}),
    ],
)
def test_onnxruntime_gives_our_features(name: str, options: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = trained(build_encoder(name, **options)).eval()
    result = checked(encoder, "onnx", tmp_path, monkeypatch, count=5)
    assert result.facts["checked"]["outputs"] == ["pooled", "map", "tokens"]
    assert result.facts["input"]["standardised_inside"] is True
    assert ("**inside**" in (result.path / "README.md").read_text()) == ("mean" in options)
    session = onnxruntime.InferenceSession(str(result.file))
    images = torch.rand(2, encoder.card.channels, *encoder.card.size)
    with torch.no_grad():
        for ours, theirs in zip(encoder(images), session.run(None, {"images": images.numpy()})):
            np.testing.assert_allclose(theirs, ours, atol=1e-4 * float(ours.abs().max()))


def test_the_graph(tmp_path: Path) -> None:
    """One file, one opset, a free batch axis, the card, and nothing of where it was made."""
    encoder = build_encoder("resnet18", width=0.0625, size=(16, 16), mean=MEAN, std=STD)
    result = export(encoder, to="onnx", out=tmp_path / "x", quiet=True)
    assert {p.name for p in result.path.iterdir()} == {"encoder.onnx", "export.json", "README.md"}
    model = onnx.load(result.file)
    onnx.checker.check_model(model)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", target.OPSET)]
    assert [i.name for i in model.graph.input] == ["images"]
    assert [o.name for o in model.graph.output] == ["pooled", "map", "tokens"]
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert '"architecture":"resnet18"' in facts["vesalius.card"]
    assert "inside" in facts["vesalius.input"]
    content = result.file.read_bytes()
    for place in (str(ROOT), "site-packages", str(Path.home()) + "/", ".py"):
        assert place.encode() not in content, place


def test_missing_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(target, "find_spec", lambda name: None if name.startswith("onnx") else found(name))
    with pytest.raises(UserError, match=r"needs onnx and onnxscript and onnxruntime: pip install 'vesalius\[onnx\]'\."):
        export(build_encoder("resnet18", width=0.0625), to="onnx", out=tmp_path / "x", quiet=True)
    assert not list(tmp_path.iterdir())


def test_a_network_that_torch_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("branching.py").write_text(
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.a = nn.Linear(4, 2)\n    def forward(self, x):\n        m = x.mean((2, 3)).repeat(1, 4)[:, :4]\n"
        "        return self.a(m) if m.sum() > 0 else self.a(-m)\ndef build():\n    return Net()\n"
    )
    with pytest.raises(UserError, match=r"torch cannot write branching\.py:build as ONNX: .* must not branch"):
        export("branching.py:build", to="onnx", out="x", quiet=True)
    assert not Path("x").exists()


def test_one_file_holds_two_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "_MOST", 1000)
    with pytest.raises(UserError, match=r"weighs 0\.0 GiB; one ONNX file holds 2"):
        export(build_encoder("resnet18", width=0.0625), to="onnx", out=tmp_path / "x", quiet=True)
