"""MAE: loss against a slow version and lightly's whole model, values and gradients; 2D and 3D; what it asks of others."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightly.models import utils as lightlys
from lightly.models.modules import MAEDecoderTIMM, MaskedVisionTransformerTIMM
from torch import Tensor, nn

from tests.methods import cases
from tests.training.small import HERE, Memory, Small, Unwatched
from vesalius import views
from vesalius.data.pixels import Pixels
from vesalius.encoders import Encoder, Encoding, build_encoder, load_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.methods.mae import MAE, Config, build, reconstruction
from vesalius.training.feed import Feed
from vesalius.training.fit import _forward_backward
from vesalius.training.log import Spent
from vesalius.training.method import Progress
from vesalius.views.batch import Batch, Draws
from vesalius.views.patches import patchify

NOW = Progress(0, 10, 0, 1.0, 10)
VIT = {"name": "timm:vit_tiny_patch16_224", "patch_size": 4, "depth": 2, "embed_dim": 24, "num_heads": 2}
SMALL = Config(width=24, depth=2, heads=2)


def encoder(**options: Any) -> Encoder:
    return build_encoder(channels=3, size=(16, 16), **{**VIT, **options})


def batch_of(x: Tensor, kept: int = 5, patches: int = 16) -> Batch:
    """Views (V, B, C, *size) with hand-made masks."""
    order = torch.rand(*x.shape[:2], patches, generator=torch.Generator().manual_seed(3)).argsort(-1)
    keep = order[..., :kept].sort(-1).values
    hide = torch.ones(*x.shape[:2], patches, dtype=torch.bool).scatter(-1, keep, False)
    return Batch({"global": x}, {"keep/global": keep, "hide/global": hide}, torch.arange(x.shape[1]))


def triple(dims: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    make = lambda: torch.randn(3, 6, dims, generator=generator, dtype=torch.float64)  # noqa: E731
    return make().requires_grad_(), make(), torch.rand(3, 6, generator=generator).argsort(1) < 4


def test_the_loss_equals_a_slow_version() -> None:
    prediction, patches, hide = triple()
    ours, slow = reconstruction(prediction, patches, hide), []
    for sample in range(3):
        errors = []
        for patch in range(6):
            if hide[sample, patch]:
                values = patches[sample, patch]
                target = (values - values.sum() / 12) / ((values - values.mean()).pow(2).sum() / 11 + 1e-6).sqrt()
                errors.append(sum((p - t) ** 2 for p, t in zip(prediction[sample, patch], target)) / 12)
        slow.append(sum(errors) / len(errors))
    torch.testing.assert_close(ours, torch.stack(slow))
    found, want = (torch.autograd.grad(loss.mean(), prediction)[0] for loss in (ours, torch.stack(slow)))
    torch.testing.assert_close(found, want)
    assert (found[~hide] == 0).all()
    assert torch.autograd.gradcheck(lambda p: reconstruction(p, patches, hide), prediction)


def test_closed_forms_and_symmetries() -> None:
    prediction, patches, hide = triple()
    zero = torch.zeros_like(prediction)
    # nothing said: the variance of each target, 1 by n - 1 and so 11 / 12 of the mean square
    torch.testing.assert_close(reconstruction(zero, patches, hide), torch.full((3,), 11 / 12, dtype=torch.float64), rtol=1e-5, atol=0)
    flat = torch.ones_like(patches) * 0.3
    torch.testing.assert_close(reconstruction(zero, flat, hide), torch.zeros(3, dtype=torch.float64))
    base = reconstruction(prediction, patches, hide)
    torch.testing.assert_close(reconstruction(prediction, 7 * patches - 2, hide), base, rtol=1e-5, atol=0)
    order = torch.randperm(6)
    torch.testing.assert_close(reconstruction(prediction[:, order], patches[:, order], hide[:, order]), base)


def test_autocast_changes_nothing() -> None:
    prediction, patches, hide = (t.detach().float() if t.is_floating_point() else t for t in triple())
    plain = reconstruction(prediction, patches, hide)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(reconstruction(prediction, patches, hide), plain, rtol=0, atol=0)


def test_a_step_in_bf16() -> None:
    method, batch = build(encoder(), SMALL), batch_of(torch.rand(1, 4, 3, 16, 16))
    plain = method(batch, NOW).parts["mae"]
    with torch.autocast("cpu", torch.bfloat16):
        cast = method(batch, NOW).parts["mae"]
    assert cast.dtype == torch.float32
    torch.testing.assert_close(cast, plain, rtol=0.05, atol=0.05)
    cast.mean().backward()
    assert all(p.grad.isfinite().all() for p in method.parameters() if p.requires_grad)


def lightlys_loss(method: MAE, x: Tensor, keep: Tensor, hide: Tensor) -> tuple[Tensor, nn.Module]:
    """The loss of lightly's MAE for vision transformers of timm, with ``method``'s own network and weights."""
    network: Any = method.encoder.network
    backbone = MaskedVisionTransformerTIMM(network, weight_initialization="skip", pos_embed_initialization="skip")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoder = MAEDecoderTIMM(16, 4, 3, 24, 24, 2, 2)
    names = {"self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj": "attn.proj", "linear": "mlp.fc"}
    names |= {"embed.": "decoder_embed.", "blocks": "decoder_blocks", "predict": "decoder_pred", "mask_token": "mask_token"}
    state = {}
    for name, tensor in method.decoder.state_dict().items():
        for ours, theirs in (*names.items(), *([("norm.", "decoder_norm.")] if name.startswith("norm.") else [])):
            name = name.replace(ours, theirs)
        state[name] = tensor.view(1, 1, -1) if name == "mask_token" else tensor
    missing = decoder.load_state_dict(state, strict=False)
    assert missing.missing_keys == ["decoder_pos_embed"], missing  # theirs is left as they make it
    assert not missing.unexpected_keys
    class_first = torch.zeros(len(x), 1, dtype=torch.long)
    idx_keep = torch.cat([class_first, keep + 1], dim=1)
    idx_mask = hide.nonzero()[:, 1].view(len(x), -1) + 1
    # as in lightly's example of MAE
    encoded = decoder.embed(backbone.encode(x, idx_keep=idx_keep))
    masked = lightlys.repeat_token(decoder.mask_token, (len(x), 17))
    masked = lightlys.set_at_index(masked, idx_keep, encoded.type_as(masked))
    predicted = decoder.predict(lightlys.get_at_index(decoder.decode(masked), idx_mask))
    target = lightlys.get_at_index(lightlys.patchify(x, 4), idx_mask - 1)
    return nn.functional.mse_loss(predicted, lightlys.normalize_mean_var(target, dim=-1)), decoder


def test_the_whole_equals_lightly() -> None:
    """With a class token that is pooled, the method is the paper's."""
    torch.manual_seed(0)
    method = build(encoder(), SMALL)
    nn.init.normal_(method.encoder.network.cls_token)
    x = torch.rand(1, 4, 3, 16, 16)
    batch = batch_of(x)
    ours = method(batch, NOW).parts["mae"].mean()
    ours.backward()
    gradients = {name: p.grad.clone() for name, p in method.named_parameters() if p.grad is not None}
    method.zero_grad()
    theirs, decoder = lightlys_loss(method, x[0], batch.drawn["keep/global"][0], batch.drawn["hide/global"][0])
    theirs.backward()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    for name, p in method.encoder.named_parameters():
        if p.requires_grad:
            torch.testing.assert_close(gradients[f"encoder.{name}"], p.grad, rtol=1e-4, atol=1e-6)
    for ours_name, theirs_name in (
        ("mask_token", "mask_token"),
        ("embed.weight", "decoder_embed.weight"),
        ("blocks.1.self_attn.in_proj_weight", "decoder_blocks.1.attn.qkv.weight"),
        ("predict.weight", "decoder_pred.weight"),
    ):
        want = decoder.get_parameter(theirs_name).grad.view_as(gradients[f"decoder.{ours_name}"])
        torch.testing.assert_close(gradients[f"decoder.{ours_name}"], want, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"global_pool": "avg"},
        {"global_pool": "avg", "fc_norm": False},
        {"global_pool": "avg", "class_token": False},
        {"name": "timm:deit3_small_patch16_224"},
        {"name": "timm:vit_small_patch14_dinov2"},
        {"name": "timm:vit_small_patch16_dinov3"},
    ],
)
def test_nothing_trainable_is_without_gradient(options: dict[str, Any]) -> None:
    method = build(encoder(**options), SMALL)
    method(batch_of(torch.rand(1, 3, 3, 16, 16)), NOW).parts["mae"].mean().backward()
    trainable = {name: p for name, p in method.named_parameters() if p.requires_grad}
    assert [name for name, p in trainable.items() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_hidden_pixels_reach_the_loss_but_not_the_prediction() -> None:
    method = build(encoder(), SMALL).eval()
    x = torch.rand(1, 2, 3, 16, 16)
    batch = batch_of(x)
    keep, hide = batch.drawn["keep/global"][0], batch.drawn["hide/global"][0]

    def painted(pixels: Tensor) -> Tensor:
        encoding = method.encoder(pixels, keep=keep)
        return method.decoder(encoding.pooled, encoding.tokens, keep)

    veil = hide.view(2, 1, 4, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    changed = torch.where(veil, torch.rand(2, 3, 16, 16), x[0])
    torch.testing.assert_close(painted(changed), painted(x[0]))
    assert not torch.allclose(painted(torch.where(veil, x[0], 1 - x[0])), painted(x[0]))
    # every place is painted by a token that knows where it is: two hidden patches get unlike values
    first = painted(x[0])[0][hide[0]]
    assert (first[0] - first[1]).abs().max() > 1e-4


def test_samples_and_views_stand_alone() -> None:
    method = build(encoder(), SMALL).eval()
    batch = batch_of(torch.rand(2, 5, 3, 16, 16))
    whole = method(batch, NOW).parts["mae"]
    assert whole.shape == (5,)
    order = torch.tensor([3, 1, 4])
    some = Batch({"global": batch.views["global"][:, order]}, {k: v[:, order] for k, v in batch.drawn.items()}, batch.ids[order])
    torch.testing.assert_close(method(some, NOW).parts["mae"], whole[order])
    each = [
        method(Batch({"global": batch.views["global"][v : v + 1]}, {k: d[v : v + 1] for k, d in batch.drawn.items()}, batch.ids), NOW)
        for v in range(2)
    ]
    torch.testing.assert_close((each[0].parts["mae"] + each[1].parts["mae"]) / 2, whole)


def test_it_learns_to_paint(tmp_path: Path) -> None:
    """Stripes of a drawn phase: what is hidden follows from what is seen, and flat guesses cost 15/16 or so."""
    torch.manual_seed(0)
    method = build(build_encoder(channels=1, size=(16, 16), **VIT), SMALL)
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    losses = []
    for _ in range(100):
        phase = torch.rand(1, 16, 1, 1, 1) * 6.28
        x = (torch.sin(torch.arange(16) * 1.1 + phase) / 2 + 0.5).expand(-1, -1, -1, 16, -1)
        loss = method(batch_of(x, 8), NOW).parts["mae"].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] > 0.9
    assert min(losses[-10:]) < 0.5


class Volume(nn.Module):
    """The least vision transformer for volumes of 8×8×12 voxels: an own network as a user writes it."""

    def __init__(self, patch: tuple[int, int, int], dim: int = 16) -> None:
        super().__init__()
        self.embed = nn.Conv3d(1, dim, patch, patch)
        self.grid = [side // part for side, part in zip((8, 8, 12), patch)]
        self.places = nn.Parameter(torch.randn(1, math.prod(self.grid), dim) * 0.02)
        self.block = nn.TransformerEncoderLayer(dim, 2, 2 * dim, 0.0, batch_first=True)

    def forward(self, x: Tensor, keep: Tensor | None = None, hide: Tensor | None = None) -> Tensor | Encoding:
        tokens = self.embed(x).flatten(2).mT + self.places
        if keep is not None:
            return self.block(tokens.gather(1, keep[..., None].expand(-1, -1, tokens.shape[-1])))
        tokens = self.block(tokens)
        return Encoding(tokens.mean(1), tokens.mT.unflatten(2, self.grid), tokens)


@pytest.mark.parametrize("patch", [(4, 4, 4), (2, 4, 6)])
def test_volumes(patch: tuple[int, int, int], tmp_path: Path) -> None:
    """The same method on 3D patches, with a user's own network."""
    (tmp_path / "volume.py").write_text("from tests.methods.test_mae import Volume\ndef build(patch):\n    return Volume(tuple(patch))\n")
    own = build_encoder(f"{tmp_path / 'volume.py'}:build", channels=1, size=(8, 8, 12), patch=list(patch))
    count = 768 // math.prod(patch)
    assert own.card.patch == patch
    method = build(own, Config(width=18, depth=1, heads=2))
    assert method.decoder.positions.shape == (count, 18)
    x = torch.rand(1, 3, 1, 8, 8, 12)
    loss = method(batch_of(x, 4, count), NOW).parts["mae"]
    assert loss.shape == (3,)
    loss.mean().backward()
    assert all(p.grad is not None for p in method.parameters())
    assert patchify(x[0], own.card.patch).shape == (3, count, math.prod(patch))


def test_what_it_cannot_use_is_refused_in_one_paragraph() -> None:
    with pytest.raises(UserError, match="resnet18 has no patches that can be left out"):
        build(build_encoder("resnet18", width=0.125), SMALL)
    network = build_encoder("monai:segresnet", channels=1, size=(16, 16, 16), init_filters=4, blocks_down=[1, 1])
    with pytest.raises(UserError, match=r"such as --encoder\.name monai:vit, a network of your own"):
        build(network, SMALL)
    method = build(encoder(), SMALL)
    bare = Batch({"global": torch.rand(1, 2, 3, 16, 16)}, {}, torch.arange(2))
    with pytest.raises(UserError, match=r"token_mask: \{patch: \[4, 4\], ratio: 0.75\}"):
        method(bare, NOW)
    with pytest.raises(UserError, match="some of 4 patches, and the encoder cuts an image into 16 of 4×4 pixels"):
        method(batch_of(torch.rand(1, 2, 3, 16, 16), 1, 4), NOW)
    with pytest.raises(ValueError, match="does not divide"):
        Config(width=20, heads=3)


def test_the_encoder_that_is_exported_sees_everything(tmp_path: Path) -> None:
    method = build(encoder(global_pool="avg", fc_norm=False), SMALL)
    (exported,) = method.exports().values()
    save_encoder(exported.eval(), tmp_path)
    again, x = load_encoder(tmp_path), torch.rand(2, 3, 16, 16)
    encoding: Encoding = again(x)
    assert again.card.patch == (4, 4)
    assert again.card.pooling == "average"
    torch.testing.assert_close(encoding.pooled, encoding.tokens.mean(1))
    assert torch.equal(encoding.pooled, exported(x).pooled)


@pytest.mark.parametrize("name", ["mae-32", "mae-96", "mae"])
def test_the_views_fit_the_recipes_networks(name: str) -> None:
    made = views.load(name, 1)
    (count, size) = made.makes["global"]
    patch = {"mae-32": 4, "mae-96": 8, "mae": 16}[name]
    drawn = made.draw(0, 0, *([Memory(3).ids.astype("int64"), Memory(3).ids, Memory(3).extents]))
    keep = next(v for k, v in drawn.values.items() if k.endswith("keep"))
    assert keep.shape == (count, 3, round(size[0] * size[1] / patch**2 / 4))


class Wide:
    """The small method's views in fp64."""

    def __init__(self) -> None:
        self.inner = cases.make_views("mae")
        self.draw = self.inner.draw

    def apply(self, pixels: Pixels, draws: Draws) -> Batch:
        batch = self.inner.apply(pixels, draws)
        return replace(batch, views={k: v.double() for k, v in batch.views.items()})


def test_accumulation_is_exact() -> None:
    def gradient(batch_size: int, accumulate: int) -> list[Tensor]:
        method, made = cases.build("mae").double(), Wide()
        feed = Feed(Memory(12), np.arange(12), made, HERE, seed=1, batch_size=batch_size, accumulate=accumulate)  # type: ignore[arg-type]
        reads, samples = feed.at(0)
        _forward_backward(method, method, made, reads, NOW, HERE, samples, Spent(), feed)
        return [p.grad for p in method.parameters() if p.grad is not None]

    for one, three in zip(gradient(12, 1), gradient(4, 3), strict=True):
        torch.testing.assert_close(one, three, rtol=1e-6, atol=1e-9)


def test_resumed_is_uninterrupted(tmp_path: Path) -> None:
    whole = Small(tmp_path / "whole", "mae", steps=7, watch=Unwatched(stop_at=None))
    whole.run()
    first = Small(tmp_path / "parts", "mae", steps=7, watch=Unwatched(every=3, stop_at=3))
    first.run()
    again = Small(tmp_path / "parts", "mae", steps=7, watch=Unwatched())
    again.run(resume=True)
    for (name, a), b in zip(whole.method.state_dict().items(), again.method.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
