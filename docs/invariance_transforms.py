"""``docs/invariance-transforms.md``, the eighteen transforms with both grids, and its picture.

Run as ``python -m docs.invariance_transforms``; with ``--picture`` the picture is made again too. The page is written from
``evaluate/transformed/transforms.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from vesalius.evaluate.transformed.grids import Parameter
from vesalius.evaluate.transformed.summing import SETTINGS
from vesalius.evaluate.transformed.transforms import TRANSFORMS, Transform

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "invariance-transforms.md"
PICTURE = ROOT / "docs" / "pictures" / "invariance-transforms.jpg"
_WHOLE = 5


def text() -> str:
    """The page."""
    ours, theirs = (sum(len(one.parameters(compat)) for one in TRANSFORMS.values()) for compat in (False, True))
    out = [
        "# The eighteen transforms of invariance",
        "",
        "Written by `python -m docs.invariance_transforms` from `evaluate/transformed/transforms.py`; a test keeps it so.",
        "",
        "What `vesalius evaluate invariance` does to images ([what it measures](invariance.md)). Names are those of the original's `--transform`. Every",
        "parameter is fixed: nothing is drawn. Lengths are shares of the image's side, so that encoders of 224 and of 512 pixels see the same change. What",
        "changes nothing is not among our parameters; under `compat: ssl-medicalimaging` it is where the original counted it.",
        "",
        "![A slide of tissue under each transform](pictures/invariance-transforms.jpg)",
        "",
        "Each line: the image as it is, then up to six of our parameters. Image: `immunohistochemistry` of scikit-image's sample data, colon, from the Human",
        "Protein Atlas.",
        "",
        "## Parameters",
        "",
        "| name | parameter | unit | changes nothing | ours | the original's | on a curve |",
        "|---|---|---|---|---|---|---|",
        *(_row(one) for one in TRANSFORMS.values()),
        "",
        f"All of ours are {ours} views of an image, the original's {theirs:,} with 20 rotations and 5 hues, as its runs had them, and 3,089 with its k of",
        f"256 for all. `evaluate invariance` takes {SETTINGS} of each of ours unless `--invariance.settings` says otherwise, spread evenly over the list (of",
        "several numbers, over every combination of them). A k of the original that is no square, where it takes one, is taken down to the next.",
        "",
        "## In which order",
        "",
        "An image is read once, resized and cropped as the encoder's card says, transformed with every parameter in one batch, and only then prepared",
        "further (histograms equalised, where the card says so), as the image beside it that was not transformed; the encoder takes its mean and deviation off",
        "last. The original transformed the file at its own size and resized afterwards, so that its pixels meant little on a large radiograph (16 of 2,500)",
        "and much on a small one, and left equalising out of the transformed branch. Under `compat` too we transform at the encoder's size, with its pixels",
        "taken as those of images of 256, or 224 where its code derives them from 224.",
        "",
        "Turns, shifts, zooms, shears and deformations read the very place, bilinearly, and are black outside, as torchvision's: where they shrink",
        "an image nothing is averaged. The same operations in a [recipe of views](views.md) are sampled from the stored pixels together with crop and",
        "resize. Flips, crops and what changes values are the recipe's operations with numbers made by hand.",
        "",
        "A deformation's field is noise on a lattice of 256 points a side, smoothed, and the same for every image and every size of image; its",
        "amplitude is the root mean square of the displacement along each axis, its smoothness the deviation of the bell. `grayscale`, `saturation` and",
        "`hue` change nothing of grey images.",
        "",
        "These are transforms of images. For volumes, whose axes have sides of a body and voxels of unlike lengths, there is no such list; pairs of views of",
        "one patient are compared by `multiview-invariance` whatever they are.",
        "",
        "## Against torchvision",
        "",
        "Each equals torchvision's function of the same parameter, on floats: to 2e-5, and where pixels are read between pixels to 1e-4, which is what float32",
        "leaves of a place among 224 pixels (`tests/evaluate/transformed`; on a retina and a slide of tissue by `python -m",
        "tests.evaluate.transformed.differences`). `equalize` rounds to 8 bits in both. Images of 8 bits come out of torchvision rounded: within one step of",
        "255, but for contrast, saturation and sharpness, whose factors multiply the rounding of the mean, the grey and the softened image.",
        "",
        "| name | differs from the original's |",
        "|---|---|",
        *(f"| `{one.name}` | {one.deviates} |" for one in TRANSFORMS.values() if one.deviates),
        "",
        "`benchmarks/invariance_views.py` measures views per second against torchvision on PIL images one by one, alone and through a ResNet-18; figures in",
        "[Benchmarks](benchmarks.md).",
        "",
    ]
    return "\n".join(out)


def _row(one: Transform) -> str:
    cells = [f"`{one.name}`", one.parameter, one.unit, _one(one, one.identity), _grid(one, one.parameters()), _grid(one, one.parameters(compat=True)), one.axis]
    return f"| {' | '.join(cells)} |"


def _one(one: Transform, parameter: Parameter) -> str:
    return "none of any field" if one.name == "deform" else one.said(parameter)


def _grid(one: Transform, parameters: Sequence[Parameter]) -> str:
    """How many, and the first and last of them; all where they are few."""
    said = [one.said(parameter) for parameter in parameters]
    shown = said if len(said) <= _WHOLE else [said[0], said[1], "…", said[-1]]
    more = " (and a shear of 1°)" if one.name in ("translation", "scale") and isinstance(parameters[0], tuple) and parameters[0][-1] == 1.0 else ""
    return f"{len(said)}: {'; '.join(shown)}{more}"


def picture() -> bytes:
    """A JPEG of the sheet, a fifth of the PNG."""
    import torch
    from PIL import Image
    from skimage import data as samples

    from vesalius.data.dataset import open_data, resolve
    from vesalius.encoders import build_encoder
    from vesalius.evaluate.transformed.sheet import sheet
    from vesalius.features.records import store_for
    from vesalius.terminal import Terminal

    encoder = build_encoder("resnet18", width=0.0625, size=(224, 224))
    with TemporaryDirectory() as folder:
        for number, side in enumerate((512, 256)):
            Image.fromarray(samples.immunohistochemistry()[:side, :side]).save(Path(folder) / f"{number}.png")
        table = resolve(folder, labels=False)
        opened = open_data("tissue", table, store_for(encoder, table), Terminal(quiet=True))
        asked = SimpleNamespace(device=torch.device("cpu"), autocast=None, batch_size=32)
        pair: Any = SimpleNamespace(data=opened, asked=asked, encoder=SimpleNamespace(card=encoder.card))
        made = sheet(pair, int(opened.store.extents[:, 0].argmax()), columns=6)
    buffer = BytesIO()
    Image.open(BytesIO(made)).save(buffer, "jpeg", quality=88, subsampling=0)
    return buffer.getvalue()


def main() -> None:
    """Write the page, and the picture where it is asked for."""
    PAGE.write_text(text())
    if "--picture" in sys.argv:
        PICTURE.write_bytes(picture())


if __name__ == "__main__":
    main()
