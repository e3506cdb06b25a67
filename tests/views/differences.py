"""How far each operation is from torchvision's under the same parameters, in steps of 1/255."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from tests.views.batches import CPU, chance, change, images, run, stored
from vesalius import views
from vesalius.views import bank
from vesalius.views.batch import Draws
from vesalius.views.operations.bias_field import BiasField
from vesalius.views.operations.blur import GaussianBlur
from vesalius.views.operations.colour import ColourJitter, Greyscale
from vesalius.views.operations.equalise import Equalise, Equalise8Bit
from vesalius.views.operations.erasing import Erasing
from vesalius.views.operations.gamma import Gamma
from vesalius.views.operations.invert import Invert
from vesalius.views.operations.low_resolution import LowResolution
from vesalius.views.operations.motion import Motion
from vesalius.views.operations.noise import Noise
from vesalius.views.operations.normalise import Normalise
from vesalius.views.operations.posterise import Posterise
from vesalius.views.operations.sharpness import Sharpness
from vesalius.views.operations.solarise import Solarise
from vesalius.views.operations.token_mask import TokenMask

N = 64
Pair = tuple[torch.Tensor, torch.Tensor]


def _geometry(operation: dict | str, size: int, peer: Callable[[torch.Tensor, dict, int], torch.Tensor]) -> Pair:
    """A recipe of one geometric operation on stored 8-bit images, against the peer image by image."""
    pixels = stored(images(N, 3, 70, 60))
    made = views.load({"image": {"count": 1, "size": size, "operations": [operation]}}, 3)
    draws: Draws = made.draw(0, 0, np.arange(N), np.arange(N, dtype=np.uint64), pixels.extents[:, 0].numpy())
    drawn = {key.rsplit("/", 1)[1]: value[0] for key, value in draws.values.items()}
    theirs = torch.stack([peer(image, drawn, i) for i, image in enumerate(pixels.data[:, 0] / 255)])
    return made.apply(pixels, draws).views["image"][0], theirs


def _crop(x: torch.Tensor, drawn: dict, i: int, size: int) -> torch.Tensor:
    return F.resized_crop(x, *(int(v) for v in drawn["box"][i]), [size, size], antialias=True)


def _affine(x: torch.Tensor, drawn: dict, i: int) -> torch.Tensor:
    numbers = (
        float(drawn["angle"][i]),
        drawn["translate"][i].tolist(),
        float(drawn["scale"][i]),
        drawn["shear"][i].tolist(),
    )
    return F.affine(x, *numbers, interpolation=InterpolationMode.BILINEAR)


def _jitter(contrast: float) -> Pair:
    """``contrast`` of the images as a share: at a small one no value is clipped on the way."""
    x = (images(N, 3, 32, 32) - 0.5) * contrast + 0.4
    strength = (
        {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.2}
        if contrast < 1
        else {"brightness": 0.8, "contrast": 0.8, "saturation": 0.8, "hue": 0.2}
    )
    drawn = ColourJitter(**strength).draw(chance(N), 3, (32, 32))
    adjust = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]
    theirs = []
    for i, image in enumerate(x):
        for which in drawn["order"][i]:
            image = adjust[which](image, float(drawn[("brightness", "contrast", "saturation", "hue")[which]][i]))
        theirs.append(image)
    return change(ColourJitter(), x, drawn), torch.stack(theirs)


def _one_by_one(operation, x, drawn, peer) -> Pair:
    return change(operation, x, drawn), torch.stack([peer(image, drawn, i) for i, image in enumerate(x)])


def _bias(x: torch.Tensor, drawn: dict, i: int) -> torch.Tensor:
    """NumPy's Legendre series in two variables, its terms in the order of the degrees."""
    weights, coefficients = iter(drawn["weights"][i].tolist()), np.zeros((4, 4))
    for down, across in np.ndindex(4, 4):
        coefficients[down, across] = next(weights) if 0 < down + across <= 3 else 0
    field = np.polynomial.legendre.leggrid2d(np.linspace(-1, 1, x.shape[1]), np.linspace(-1, 1, x.shape[2]), coefficients)
    return (x * torch.from_numpy(np.exp(field)).float()).clamp(0, 1)


def _ghosts(x: torch.Tensor, drawn: dict, i: int) -> torch.Tensor:
    """The whole of k-space, two-sided."""
    axis, side = int(drawn["axis"][i]) + 1, x.shape[int(drawn["axis"][i]) + 1]
    frequency = np.abs(np.fft.fftfreq(side, 1 / side))
    gain = np.where((frequency % drawn["ghosts"][i] == 0) & (frequency > 0.02 * side), 1 - drawn["strength"][i], 1)
    lines = np.fft.fft(x.numpy(), axis=axis) * np.moveaxis(gain[:, None], 0, axis - 1)
    return torch.from_numpy(np.fft.ifft(lines, axis=axis).real).float().clamp(0, 1)


def _coarse(x: torch.Tensor, drawn: dict, i: int) -> torch.Tensor:
    small = [round(side / float(drawn["factor"][i])) for side in x.shape[1:]]
    return F.resize(F.resize(x, small, antialias=True), list(x.shape[1:]))


def _equalised(x: torch.Tensor) -> torch.Tensor:
    density, edges = np.histogram(x.numpy().ravel(), 256, density=True)
    share = density.cumsum() / density.sum()
    return torch.from_numpy(np.interp(x.numpy().ravel(), edges[:-1], share)).float().view_as(x)


def pairs() -> Iterator[tuple[str, Pair]]:
    """Name of a row of docs/views.md, and our pixels and torchvision's."""
    x = images(N, 3, 40, 40)
    yield "random_resized_crop", _geometry("random_resized_crop", 32, lambda y, d, i: _crop(y, d, i, 32))
    yield (
        "random_resized_crop, 8-bit, from 48 px",
        _geometry("random_resized_crop", 64, lambda y, d, i: _crop(y, d, i, 64)),
    )
    yield (
        "random_crop",
        _geometry(
            {"random_crop": {"padding": 4}}, 32, lambda y, d, i: F.crop(y, *(int(v) for v in d["corner"][i]), 32, 32)
        ),
    )
    yield "centre_crop", _geometry("centre_crop", 32, lambda y, d, i: F.center_crop(y, [32, 32]))
    yield "resize", _geometry("resize", 32, lambda y, d, i: F.resize(y, [32, 32], antialias=True))
    for name, flip in (("horizontal_flip", F.horizontal_flip), ("vertical_flip", F.vertical_flip)):
        yield (
            name,
            _geometry(name, 60, lambda y, d, i, flip=flip: F.center_crop(flip(y) if d["on"][i] else y, [60, 60])),
        )
    wide = {"affine": {"degrees": 30, "translate": [0.1, 0.1], "scale": [0.8, 1.2], "shear": 10}}
    pixels = stored(images(N, 3, 60, 60))
    made = views.load({"image": {"count": 1, "size": 60, "operations": [wide]}}, 3)
    draws = made.draw(0, 0, np.arange(N), np.arange(N, dtype=np.uint64), pixels.extents[:, 0].numpy())
    drawn = {key.rsplit("/", 1)[1]: value[0] for key, value in draws.values.items()}
    theirs = torch.stack([_affine(image, drawn, i) for i, image in enumerate(pixels.data[:, 0] / 255)])
    inside = torch.stack([_affine(torch.ones(3, 60, 60), drawn, i) for i in range(N)]) > 0.999
    ours = made.apply(pixels, draws).views["image"][0]
    yield "affine, inside the image", (ours[inside], theirs[inside])
    yield "affine, with its edge", (ours, theirs)
    yield "colour_jitter, nothing clips", _jitter(0.1)
    yield "colour_jitter, values clip", _jitter(1.0)
    drawn = Greyscale(p=0.5).draw(chance(N), 3, (40, 40))
    yield "greyscale", _one_by_one(Greyscale(), x, drawn, lambda y, d, i: F.rgb_to_grayscale(y, 3) if d["on"][i] else y)
    drawn = GaussianBlur(p=1).draw(chance(N), 3, (40, 40))
    yield (
        "gaussian_blur",
        _one_by_one(
            GaussianBlur(kernel=23), x, drawn, lambda y, d, i: F.gaussian_blur(y, [23, 23], [float(d["sigma"][i])] * 2)
        ),
    )
    drawn = {"on": np.ones(N, bool)}
    yield "solarise", _one_by_one(Solarise(), x, drawn, lambda y, d, i: F.solarize(y, 0.5))
    drawn = Gamma().draw(chance(N), 3, (40, 40))
    yield "gamma", _one_by_one(Gamma(), x, drawn, lambda y, d, i: F.adjust_gamma(y, float(d["gamma"][i])))
    drawn = Erasing(p=1).draw(chance(N), 3, (40, 40))
    yield (
        "erasing",
        _one_by_one(
            Erasing(), x, drawn, lambda y, d, i: F.erase(y, *(int(v) for v in d["box"][i]), torch.zeros(3, 1, 1))
        ),
    )
    drawn = Noise(p=1).draw(chance(N), 3, (40, 40))
    fields = bank.slices(torch.from_numpy(drawn["offset"]), 4800).view(N, 3, 40, 40)
    yield (
        "noise, with the same field",
        _one_by_one(Noise(), x, drawn, lambda y, d, i: (y + fields[i] * float(d["std"][i])).clamp(0, 1)),
    )
    drawn = LowResolution(p=1, factor=(1, 4)).draw(chance(N), 3, (40, 40))
    yield "low_resolution", _one_by_one(LowResolution(), x, drawn, _coarse)
    drawn = BiasField(p=1).draw(chance(N), 3, (40, 40))
    yield "bias_field", _one_by_one(BiasField(), x, drawn, _bias)
    drawn = Motion(p=1).draw(chance(N), 3, (40, 40))
    yield "motion", _one_by_one(Motion(), x, drawn, _ghosts)
    whole = stored(x)
    made = views.load({"image": {"count": 1, "size": 40, "operations": [{"elastic": {"p": 1.0}}]}}, 3)
    draws = made.draw(0, 0, np.arange(N), np.arange(N, dtype=np.uint64), whole.extents[:, 0].numpy())
    field = torch.stack(
        [
            torch.stack([bank.window(5.0, np.arange(40) + top, np.arange(40) + left, CPU) for top, left in corner.tolist()], dim=-1)
            for corner in draws.values["image/0-elastic/corner"][0]
        ]
    )
    theirs = torch.stack(
        [
            F.elastic(image, field[i : i + 1] * 25 * 2 / 40, interpolation=InterpolationMode.BILINEAR)
            for i, image in enumerate(whole.data[:, 0] / 255)
        ]
    )
    ours = made.apply(whole, draws).views["image"][0]
    yield "elastic, with the same field", (ours[..., 6:-6, 6:-6], theirs[..., 6:-6, 6:-6])
    yield "elastic, with its edge", (ours, theirs)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    yield "normalise", _one_by_one(Normalise(mean=mean, std=std), x, {}, lambda y, d, i: F.normalize(y, mean, std))
    yield "equalise", _one_by_one(Equalise(), x, {}, lambda y, d, i: _equalised(y))
    on = {"on": np.ones(N, bool)}
    yield "equalise_8bit", _one_by_one(Equalise8Bit(), x, on, lambda y, d, i: F.equalize(y))
    yield "invert", _one_by_one(Invert(), x, on, lambda y, d, i: F.invert(y))
    drawn = Posterise(p=1, bits=(1, 8)).draw(chance(N), 3, (40, 40))
    yield "posterise", _one_by_one(Posterise(), x, drawn, lambda y, d, i: F.posterize(y, int(d["bits"][i])) if d["bits"][i] < 8 else y)
    drawn = Sharpness(p=1, factor=(0, 5)).draw(chance(N), 3, (40, 40))
    yield "sharpness", _one_by_one(Sharpness(), x, drawn, lambda y, d, i: F.adjust_sharpness(y, float(d["factor"][i])))
    yield "token_mask", _one_by_one(TokenMask(patch=8), x, {}, lambda y, d, i: y)
    pixels = stored(images(N, 3, 70, 60))
    made = views.resize_crop(32, 3)
    want = F.center_crop(F.resize(pixels.data[:, 0] / 255, 32, antialias=True), [32, 32])
    yield "resize_crop (evaluation)", (run(made, pixels).views["image"][0], want)


def measured() -> dict[str, tuple[float, float]]:
    """Row to largest and mean difference, in steps of 1/255."""
    return {name: (float((a - b).abs().max()) * 255, float((a - b).abs().mean()) * 255) for name, (a, b) in pairs()}


if __name__ == "__main__":
    for row, (largest, mean) in measured().items():
        print(f"{row:45s} {largest:10.4f} {mean:10.4f}")
