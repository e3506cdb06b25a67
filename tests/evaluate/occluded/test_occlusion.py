from __future__ import annotations

import pytest
import torch

from vesalius.encoders import build_encoder
from vesalius.errors import UserError
from vesalius.evaluate.occluded import occlusion
from vesalius.evaluate.occluded.occlusion import Hiding, Occlusion, Pace, enlarged, filling


def encoder(size: int = 24, mean: tuple[float, ...] = (0.4, 0.5, 0.6)):
    torch.manual_seed(0)
    made = build_encoder("resnet18", width=0.0625, channels=3, size=(size, size), stem="standard").eval()
    made.card = made.card.model_copy(update={"mean": mean, "std": (0.2,) * len(mean)})
    return made


def by_loop(one, x: torch.Tensor, window: int, stride: int, value: torch.Tensor, margin: int) -> torch.Tensor:
    """The original's loop: every place that covers a pixel of what is shown, its score added to the pixels below; then the mean."""
    side = x.shape[1]
    total, count = torch.zeros(side, side), torch.zeros(side, side)
    firsts = [(top, left) for top in range(margin + 1 - window, side - margin, stride) for left in range(margin + 1 - window, side - margin, stride)]
    inside = [(slice(max(0, top), top + window), slice(max(0, left), left + window)) for top, left in firsts]
    hidden = x.repeat(len(firsts), 1, 1, 1)
    for image, here in zip(hidden, inside, strict=True):
        image[(slice(None), *here)] = value.view(3, 1, 1)
    with torch.no_grad():
        clean = one(x[None]).pooled
        for here, feature in zip(inside, one(hidden).pooled, strict=True):
            total[here] += (feature - clean).norm() / clean.norm()
            count[here] += 1
    shown = slice(margin, side - margin)
    return (total / count)[shown, shown]


def directly(name: str, make):
    return make()


@pytest.mark.parametrize(("stride", "margin", "fill"), [(1, 0, "mean"), (3, 0, "black"), (2, 4, 0.7)])
def test_the_map_is_that_of_the_loop_with_and_without_margin(stride, margin, fill):
    hiding = Hiding(window=5, stride=stride, fill=fill, margin=margin > 0)
    one = enlarged(hiding, encoder(16)) if margin else encoder(16)
    x = torch.rand(3, 16 + 2 * margin, 16 + 2 * margin, generator=torch.Generator().manual_seed(3))
    scored: list[int] = []
    made = Occlusion(hiding, one, margin=margin, batch_size=7)
    made.map(torch.rand(x.shape), directly, lambda _: None)  # another image before it
    found, agreement = made.map(x, directly, scored.append)
    value = torch.tensor(one.card.mean) if fill == "mean" else torch.full((3,), 0.0 if fill == "black" else fill)
    torch.testing.assert_close(found, by_loop(one, x, 5, stride, value, margin), rtol=0, atol=1e-5)
    assert agreement is None
    assert sum(scored) == made.forwarded == len(range(0, 20, stride)) ** 2
    assert max(scored) == 7


def test_parts_that_were_kept_are_not_scored_again(monkeypatch):
    monkeypatch.setattr(occlusion, "_BLOCK", 100)
    shelf: dict[str, torch.Tensor] = {}
    x = torch.rand(3, 16, 16)
    first, _ = Occlusion(Hiding(window=4), encoder(16)).map(x, lambda name, make: shelf.setdefault(name, make()), lambda _: None)
    assert [len(part) for part in shelf.values()] == [100, 100, 100, 61]
    monkeypatch.setattr(occlusion, "Scanner", None)  # nothing is prepared
    second, _ = Occlusion(Hiding(window=4), encoder(16)).map(x, lambda name, make: shelf[name], lambda _: None)
    assert torch.equal(first, second)


def test_what_fills_the_window():
    assert filling(Hiding(), encoder()).tolist() == [0, 0, 0]
    torch.testing.assert_close(filling(Hiding(fill="black"), encoder()), torch.tensor([-2.0, -2.5, -3.0]))
    torch.testing.assert_close(filling(Hiding(fill=1), encoder()), torch.tensor([3.0, 2.5, 2.0]))
    assert filling(Hiding(), encoder(mean=())).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"stride": 11}, "leaves pixels out"),
        ({"stride": 2, "coarse_to_fine": True}, "Leave stride at 1"),
        ({"fill": "grey"}, "a number from 0 to 1"),
        ({"fill": 2}, "fill is 2"),
    ],
)
def test_fields_that_do_not_fit_are_one_paragraph(fields, said):
    with pytest.raises(UserError, match=said):
        Hiding(**fields).refuse()


def test_a_margin_is_refused_by_networks_of_one_size():
    assert enlarged(Hiding(), encoder(224)).card.size == (242, 242)
    with pytest.raises(UserError, match=r"does not take images of 50 × 50 pixels.*--margin false"):
        enlarged(Hiding(), build_encoder("timm:vit_tiny_patch16_224", channels=3, size=(32, 32), depth=1, embed_dim=24))


def test_long_maps_are_told_of_once_the_pace_is_known(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(occlusion.time, "perf_counter", lambda: now[0])
    told = ["54,289 places", "9 minutes an image", "36 minutes for its 4 images", "--coarse-to-fine"]
    for places, expected in ((54_289, told), (500, [])):
        said: list[str] = []
        pace, now[0] = Pace("saliency of a", 4, places, False, said.append), 0.0
        for _ in range(500):
            pace(1)
            now[0] += 0.01
        assert len(said) == bool(expected)
        assert all(word in said[0] for word in expected)
