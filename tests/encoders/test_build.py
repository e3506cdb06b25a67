from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch

from vesalius.encoders import build_encoder, known_names, weights_hash
from vesalius.errors import UserError


def test_random_weights_are_a_function_of_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = build_encoder("resnet18", width=0.125, seed=3)
    torch.manual_seed(2)
    assert weights_hash(build_encoder("resnet18", width=0.125, seed=3)) == weights_hash(first)
    assert weights_hash(build_encoder("resnet18", width=0.125, seed=4)) != weights_hash(first)


def test_building_leaves_torchs_generator_and_the_buffers_alone() -> None:
    state = torch.random.get_rng_state()
    encoder = build_encoder("resnet18", width=0.125)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(int(v) == 0 for k, v in encoder.named_buffers() if k.endswith("num_batches_tracked"))
    assert all(bool((v == 0).all()) for k, v in encoder.named_buffers() if k.endswith("running_mean"))
    assert encoder.training


def test_the_card_is_filled() -> None:
    card = build_encoder("resnet18", width=0.25, channels=1, size=(28, 28)).card
    assert card.architecture == "resnet18"
    assert dict(card.options) == {"width": 0.25}
    assert (card.channels, card.size, card.dim, card.pooling) == (1, (28, 28), 128, "average")
    assert list(card.preprocessing) == [{"resize": {"shorter": 28}}, {"centre_crop": {}}]
    assert card.trained_on == "random initialisation"


def test_mean_and_deviation_are_applied_by_the_encoder() -> None:
    plain = build_encoder("resnet18", width=0.125).eval()
    scaled = build_encoder("resnet18", width=0.125, mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.3)).eval()
    x = torch.rand(2, 3, 32, 32)
    by_hand = torch.stack([(x[:, 0] - 0.5) / 0.1, (x[:, 1] - 0.4) / 0.2, (x[:, 2] - 0.3) / 0.3], 1)
    torch.testing.assert_close(scaled(x).pooled, plain(by_hand).pooled)
    grey = build_encoder("resnet18", width=0.125, channels=1, mean=(0.2, 0.4, 0.6), std=(0.1, 0.2, 0.3))
    assert grey.card.mean == pytest.approx((0.4,))
    with pytest.raises(UserError, match="above zero"):
        build_encoder("resnet18", width=0.125, mean=(0.5,), std=(0.0,))


def test_a_copy_of_an_encoder_is_apart() -> None:
    encoder = build_encoder("resnet18", width=0.125).eval()
    twin = copy.deepcopy(encoder)
    with torch.no_grad():
        next(iter(twin.parameters())).add_(1)
    assert weights_hash(twin) != weights_hash(encoder)


def test_three_lines_in_the_users_own_network_train() -> None:
    encoder = build_encoder("resnet18", width=0.125)
    head = torch.nn.Linear(encoder.card.dim + encoder.card.dim, 2)
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.05)
    torch.manual_seed(0)
    x, y = torch.rand(16, 3, 16, 16), torch.arange(16) % 2
    x[y == 1, 0] += 1
    losses = []
    for _ in range(12):
        encoding = encoder(x)
        features = torch.cat([encoding.pooled, encoding.map.amax((2, 3)) + encoding.tokens.mean(1)], 1)
        loss = torch.nn.functional.cross_entropy(head(features), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("resnet19", {}, "Did you mean resnet18"),
        ("resnet18", {"widht": 1}, "Did you mean 'width'"),
        ("nothing", {}, "timm:NAME, torchvision:NAME, my_file.py:build"),
        ("nothing.py:build", {}, "nothing.py is not there"),
    ],
)
def test_refusals(name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        build_encoder(name, **options)


def test_names_need_no_heavy_import() -> None:
    assert "resnet18" in known_names()
    code = "import sys, vesalius.encoders; print([m for m in ('timm', 'torchvision', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
