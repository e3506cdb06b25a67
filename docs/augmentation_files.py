"""``docs/augmentation-files.md``, every key of InnerEye's augmentation files, and its picture.

Run as ``python -m docs.augmentation_files``. The page is written from ``views/innereye_keys.py`` and the shipped recipes.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from vesalius import views
from vesalius.views import innereye
from vesalius.views.innereye_keys import KEYS, Key

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "augmentation-files.md"
PICTURE = ROOT / "docs" / "pictures" / "radiograph-views.png"
RECIPES = {"radiograph-innereye-encoder": 4, "radiograph-innereye-head": 2, "radiograph": 4}
"""Recipes in the picture and how many views of each."""
TILE, BAND = 128, 18
OURS = [
    ("No flip",
        "A mirrored chest is another diagnosis (situs inversus), and the heart's side, the stomach's bubble and the laterality of "
        "a finding are what a radiologist reads first"),
    ("Turns of ±10°, not ±180°",
        "Patients stand or lie askew by some degrees. No radiograph is read upside down, so features need not be alike there"),
    ("Shear of ±5°, not ±40°",
        "What oblique projection and posture do. At 40° ribs and heart have shapes that no patient has, and the ratio of heart to chest is lost"),
    ("Shift of 5 %, zoom of 10 %, the edge repeated",
        "Distance and centring differ between exposures. Black corners, which would tell two views of one image that they are turned alike, do not come up"),
    ("Crops from 30 %, ratio 0.8 to 1.25",
        "Global and local views of the same anatomy, as contrastive learning needs; squeezed chests do not come up"),
    ("Gamma 0.6 to 1.6, contrast ±0.3, brightness 0.7 to 1.1",
        "Exposure, detector and post-processing differ most of all between hospitals; this is the strongest part. Gamma brightens "
        "without clipping, so factors above 1.1 are not needed"),
    ("Some blur, some noise", "Detector, scatter and dose. Blur up to 2 px in 224 leaves the lung's markings"),
    ("Erasing 2 to 10 % in three of ten, not 15 to 40 % in half",
        "Tubes, markers and text cover parts; a box of 40 % hides a whole lung with its label"),
    ("No elastic displacements",
        "The original's move pixels by 1.4 px (their deviation, with sigma 4 and alpha 34): what it changes is mostly the edges "
        "of bones, which become ragged, and these are a finding"),
    ("No solarisation", "Bright and dark are physical: bone that is darker than lung is no radiograph"),
]  # fmt: skip


def text() -> str:
    """The page."""
    trees = [_tree(name) for name in innereye.NAMED.values()]
    out = [
        "# InnerEye's augmentation files",
        "",
        "Written by `python -m docs.augmentation_files` from the table that reads such files; a test keeps it so.",
        "",
        "A YAML file with `preprocess:` and `augmentation:` at its top is read as one of InnerEye's, wherever a file of views is named:",
        "`--views FILE.yaml` or `--ssl_augmentation_config FILE.yaml` for the encoder, `--monitors.linear.views FILE.yaml` or",
        "`--linear_head_augmentation_config FILE.yaml` for the linear monitor, `vesalius recipes show FILE.yaml --views DATA` for a look. It runs",
        "as a recipe of our batched [views](views.md). Keys that are left out have the original's default; unknown keys and other types are",
        "errors that name the nearest key. Tuples are written `(a, b)`; `[a, b]` is understood too. What the file says is kept in the run's",
        "`config.yaml`, not the file's name.",
        "",
        "| the original's file | recipe here |",
        "|---|---|",
        *(f"| `{old}.yaml` | `{new}`, of equal content; the original's name means it too |" for old, new in innereye.NAMED.items()),
        "",
        "## Every key",
        "",
        "| key | type | default | encoder's file | head's file | meaning | here | what differs |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(key, trees) for key in KEYS),
        "",
        "A dash: the file leaves the key to its default, or switches its operation off.",
        "",
        "Beside these a file may say `count` (views of each image; 2, and 1 in fine-tuning and for the linear monitor) and",
        "`use_different_transformation_per_channel` (`per_channel` in recipes of ours), an argument of the original's: each channel is drawn for.",
        "",
        "## Order",
        "",
        "Affine, random crop (else resize), flip, gamma, colour, elastic, centre crop, erasing, noise. Without any augmentation: the shorter side",
        "is resized, the middle cut out. Nothing is normalised; an [encoder standardises its own input](decisions/0006-encoder-standardises.md).",
        "Grey images stay one channel: three equal ones would cost three times as much and say no more. An encoder of three channels",
        "(`--data.channels 3`) is given three.",
        "",
        "Affine, crop, flip, elastic and centre crop are composed and sampled once from the stored pixels. Resizing is anti-aliased: without",
        "turns exactly as torchvision's; where a view is turned or bent it is read from an image halved as often as it shrinks. Resize and",
        "centre crop in one sampling equal the two steps to 1e-4 of the range; the whole list equals its steps by torchvision and SciPy to a mean",
        "of half a grey level of 255 inside the border (`tests/views/test_innereye.py`).",
        "",
        "Slices of a stack `[C, Z, H, W]` share one draw.",
        "",
        "## The head's file",
        "",
        "The linear monitor learns, at each event, from every labelled training image in one view of `monitors.linear.views`, drawn anew at the",
        "next event; the original drew at each step. Validation images are never augmented. Where the encoder's views are an augmentation file and",
        "the head's are not given, they fall back to the encoder's, as the original's did, and the run says so; `--monitors.linear.views none`",
        "leaves the images as they are. With our own recipes that is the default. In fine-tuning `--linear_head_augmentation_config` is `--views`.",
        "",
        "## CIFAR",
        "",
        "An augmentation file together with `cifar10` or `cifar100` is an error. The original passed it over in silence.",
        "",
        "## A recipe of our own",
        "",
        "`radiograph` (224 px) and `radiograph-64` (64 to 96 px) change what differs between two exposures of one patient, and leave the anatomy:",
        "",
        "| choice | why |",
        "|---|---|",
        *(f"| {choice} | {why} |" for choice, why in OURS),
        "",
        "These are reasons, not measurements: no labelled set of full radiographs was at hand to measure the two recipes against each other.",
        "",
        "![A chest and a leg under the three recipes](pictures/radiograph-views.png)",
        "",
        "Left in each row the radiograph, then its views. Images: `RG1_UNCR.dcm` and `RG3_UNCR.dcm`, DICOM's WG-04 sample images as distributed with",
        "[pydicom-data](https://github.com/pydicom/pydicom-data) (MIT licence).",
        "",
        "## Speed",
        "",
        "`benchmarks/radiograph_views.py` measures the encoder's list, elastic included, against the original's order and types and against a fair",
        "rebuild with torchvision v2, from the same array of 1024 px; figures in [Benchmarks](benchmarks.md).",
        "",
    ]
    return "\n".join(out)


def _tree(name: str) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load((files("vesalius.views") / "recipes" / f"{name}.yaml").read_text())
    return tree


def _row(key: Key, trees: list[dict[str, Any]]) -> str:
    said = [_value(tree, key.name) for tree in trees]
    cells = [f"`{key.name}`", key.kind, _shown(key.default), *said, key.meaning, key.becomes, key.differs]
    return f"| {' | '.join(cells)} |"


def _value(tree: Any, dotted: str) -> str:
    for part in dotted.split("."):
        if not isinstance(tree, dict) or part not in tree:
            return "–"
        tree = tree[part]
    return _shown(tree)


def _shown(value: Any) -> str:
    return str(value).replace("'", "")


def picture() -> np.ndarray:
    """``(height, width)``: each radiograph under each recipe."""
    import torch
    from PIL import Image, ImageDraw

    from vesalius.data.pixels import Pixels
    from vesalius.views.picture import grid

    radiographs = [radiograph(name) for name in ("RG1_UNCR.dcm", "RG3_UNCR.dcm")]
    sheets = []
    for name, count in RECIPES.items():
        config = views.load(name, 1).config()
        made = views.load({"global": {**config["global"], "count": count}}, 1)
        rows = []
        for i, image in enumerate(radiographs):
            sides = np.array([image.shape])
            pixels = Pixels(torch.from_numpy(image)[None, None, None], torch.from_numpy(sides)[None], torch.full((1, 1), 1 / 255), torch.zeros(1, 1))
            draws = made.draw(4, 0, np.zeros(1, np.int64), np.array([i + 1], np.uint64), sides)
            row = Image.fromarray(grid(made, pixels, draws)).convert("L")
            rows.append(row.resize((row.width * TILE // 224, TILE), Image.Resampling.BOX))
        sheet = Image.new("L", (rows[0].width, BAND + sum(row.height + 3 for row in rows)), 255)
        ImageDraw.Draw(sheet).text((2, 2), name, fill=0)
        for place, row in enumerate(rows):
            sheet.paste(row, (0, BAND + place * (TILE + 3)))
        sheets.append(np.asarray(sheet))
    width = max(sheet.shape[1] for sheet in sheets)
    return np.concatenate([np.pad(sheet, ((0, 8), (0, width - sheet.shape[1])), constant_values=255) for sheet in sheets])


def radiograph(name: str) -> np.ndarray:
    """One of pydicom-data's radiographs, 8 bits, bone bright, 320 px on its shorter side."""
    import pydicom
    from PIL import Image
    from pydicom.data import get_testdata_file

    values = -pydicom.dcmread(str(get_testdata_file(name, download=False))).pixel_array.astype(np.float32)
    low, high = np.percentile(values[::4, ::4], (1, 99))
    image = Image.fromarray(np.rint(((values - low) / (high - low)).clip(0, 1) * 255).astype(np.uint8))
    scale = 320 / min(image.size)
    return np.array(image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS))


def main() -> None:
    """The page and its picture."""
    from PIL import Image

    PAGE.write_text(text())
    Image.fromarray(picture()).quantize(64).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
