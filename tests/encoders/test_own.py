from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from vesalius.encoders import Encoding, build_encoder, load_encoder, own, save_encoder
from vesalius.encoders.own import as_encoding
from vesalius.errors import UserError

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_encoder.py"
CODE = """
import torch
from torch import nn
from vesalius.encoders import Encoding

class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(12, 5)
    def forward(self, x, keep=None, hide=None):
        tokens = self.embed(nn.functional.unfold(x, 2, stride=2).mT)
        if keep is not None:
            tokens = tokens.gather(1, keep[..., None].expand(-1, -1, 5))
        return tokens

def vector(channels, size, dim=7):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size[0] * size[1], dim), nn.BatchNorm1d(dim))

def masked():
    return Masked()

def broken():
    return nn.Identity()

def text():
    return "no module"

class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.norm = nn.BatchNorm2d(3)
        self.drop = nn.Dropout(0.5)
    def forward(self, x):
        self.calls += 1
        return self.drop(self.norm(x)).mean((2, 3))
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    file = tmp_path / "nets.py"
    file.write_text(CODE)
    return file


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_worked_example_trains(channels: int) -> None:
    encoder = build_encoder(f"{EXAMPLE}:build", channels=channels, width=8)
    assert encoder.card.dim == 64
    assert encoder.card.architecture == "my_encoder.py:build"
    encoding = encoder(torch.rand(4, channels, 32, 32))
    assert encoding.map.shape == (4, 64, 4, 4)
    encoding.pooled.square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())


def test_vectors_and_options(code: Path) -> None:
    encoder = build_encoder(f"{code}:vector", channels=1, size=(8, 8), dim=11)
    encoding = encoder(torch.rand(2, 1, 8, 8))
    assert encoding.pooled.shape == (2, 11)
    assert encoding.map.shape == (2, 11, 1, 1)
    assert encoding.tokens.shape == (2, 1, 11)
    with pytest.raises(UserError, match="cannot be called with"):
        build_encoder(f"{code}:vector", dims=11)


def test_tokens_and_masks(code: Path) -> None:
    encoder = build_encoder(f"{code}:masked", size=(8, 8))
    assert encoder.card.tokens
    x = torch.rand(2, 3, 8, 8)
    whole = encoder(x)
    assert whole.map.shape == (2, 5, 4, 4)
    keep = torch.tensor([[1, 3], [0, 2]])
    torch.testing.assert_close(encoder(x, keep=keep).tokens[0], whole.tokens[0, [1, 3]])


def test_a_class_is_looked_at_without_a_trace(code: Path) -> None:
    state = torch.random.get_rng_state()
    encoder = build_encoder(f"{code}:Counting")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert encoder.network.calls == 0
    assert encoder.network.norm.num_batches_tracked == 0
    assert encoder.training
    assert encoder.network.drop.training


@pytest.mark.parametrize(
    ("out", "pooled"),
    [(torch.rand(2, 5), (2, 5)), (torch.rand(2, 5, 4, 2), (2, 5)), (torch.rand(2, 8, 5), (2, 5))],
)
def test_each_kind_of_output(out: torch.Tensor, pooled: tuple[int, ...]) -> None:
    encoding = as_encoding(out, torch.rand(2, 3, 16, 8))
    assert encoding.pooled.shape == pooled
    assert encoding.map.ndim == 4
    torch.testing.assert_close(encoding.map.flatten(2).mT, encoding.tokens)
    assert as_encoding(encoding, torch.rand(2, 3, 16, 8)) == Encoding(*encoding)


def test_a_grid_follows_the_inputs_proportions() -> None:
    assert as_encoding(torch.rand(1, 8, 5), torch.rand(1, 3, 16, 32)).map.shape == (1, 5, 2, 4)
    assert as_encoding(torch.rand(1, 7, 5), torch.rand(1, 3, 16, 16)).map.shape == (1, 5, 7, 1)


@pytest.mark.parametrize(
    "out", ["text", torch.rand(2), torch.rand(3, 5), torch.rand(2, 1, 1, 1, 1, 1), [torch.rand(2, 5)]]
)
def test_other_outputs_are_refused(out: object) -> None:
    with pytest.raises(UserError, match="Return a vector"):
        as_encoding(out, torch.rand(2, 3, 8, 8))


@pytest.mark.parametrize("name", ["text", "absent"])
def test_bad_functions(code: Path, name: str) -> None:
    with pytest.raises(UserError):
        build_encoder(f"{code}:{name}")


def test_loading_needs_the_file_and_says_where(code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = build_encoder(f"{code}:vector", size=(8, 8)).eval()
    save_encoder(encoder, tmp_path / "saved")
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(load_encoder(tmp_path / "saved")(x).pooled, encoder(x).pooled)
    monkeypatch.setattr(own, "_used", {})  # another process
    monkeypatch.chdir(tmp_path / "saved")
    with pytest.raises(UserError, match=r"Put nets.py into the current folder") as refused:
        load_encoder(tmp_path / "saved")
    assert str(tmp_path) not in str(refused.value)
    assert torch.equal(load_encoder(tmp_path / "saved", code=code)(x).pooled, encoder(x).pooled)
    assert isinstance(encoder, nn.Module)


def test_code_beside_weights_is_not_run(code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = build_encoder(f"{code}:vector", size=(8, 8))
    save_encoder(encoder, tmp_path / "saved")
    (tmp_path / "saved" / "nets.py").write_text("raise SystemExit('ran')")
    monkeypatch.setattr(own, "_used", {})
    monkeypatch.chdir(tmp_path / "saved" / "..")
    code.rename(tmp_path / "elsewhere.py")
    with pytest.raises(UserError, match="is not there"):
        load_encoder("saved")
