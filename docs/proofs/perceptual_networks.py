"""Our path to LPIPS beside the class of the package `lpips`, on the same random backbones: 24 pairs at 64 px, 4 real ones at 224 px.

    python -m docs.proofs.perceptual_networks

The real pairs are cuts of skimage's retina and of its histology image, as they are and with noise. One line in JSON for each network.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from docs.prove import FAIL, PASS, Line, Outcome, Step, by_tests, named

if TYPE_CHECKING:
    from torch import Tensor

NETWORKS = {"alexnet": "AlexNet", "vgg": "VGG16", "squeezenet": "SqueezeNet 1.1"}


def steps() -> list[Step]:
    """What issue 8 had to show of the perceptual distance."""
    protocol, networks = "tests/evaluate/protocols/test_perceptual_distance.py", "tests/evaluate/perceptual"
    without = "without_the_networks or without_them_one_paragraph or another_file_is_refused or nothing_is_fetched"
    return [
        Step("perceptual networks", ("python", "-m", "docs.proofs.perceptual_networks"), _equal, timeout=600),
        by_tests("perceptual networks by test", "The same by test, also through the package's own constructor", f"{networks}/test_distances.py", least=8),
        by_tests("perceptual tables", "Three CSV files: models as rows, data sets as columns, the mean distances in them", protocol, "-k", "three_tables"),
        by_tests(
            "perceptual networks missing",
            "Without the networks the command stops, no run is made, and one paragraph names the three files, where they go and their SHA-256 prefixes; "
            "other weights are refused, nothing is fetched",
            protocol, networks, "-k", without, least=4,
        ),
    ]  # fmt: skip


def _equal(outcome: Outcome) -> list[Line]:
    lines = []
    for name, title in NETWORKS.items():
        row = named(outcome, name)
        figure = f"{row['difference']:.1e} at most, over {row['pairs']} pairs with distances of {row['least']:.3f} to {row['greatest']:.3f}"
        good = row["difference"] <= 1e-5 and row["least"] > 1e-3
        lines.append(Line(f"{title} on the same random backbone: ours equals lpips {row['lpips']} to 1e-5", figure, PASS if good else FAIL))
    return lines


def real() -> tuple[Tensor, Tensor]:
    """(4, 3, 224, 224) in [0, 1], and with noise."""
    import numpy as np
    import torch
    from skimage import data

    pictures = [picture[at : at + 224, at : at + 224] for picture in (data.retina(), data.immunohistochemistry()) for at in (0, 250)]
    clean = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    return clean, (clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)


def main() -> None:
    """Each network's largest difference."""
    import lpips
    import torch

    from vesalius.evaluate.perceptual import distances
    from vesalius.evaluate.perceptual.backbones import BACKBONES

    draw = torch.Generator().manual_seed(0)
    for number, (name, backbone) in enumerate(BACKBONES.items()):
        torch.manual_seed(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = lpips.LPIPS(net=backbone.net, pnet_rand=True, verbose=False)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / backbone.file
            torch.save({f"features.{key.partition('.')[2]}": value for key, value in theirs.net.state_dict().items()}, file)
            ours = distances.network(backbone.net, file)
        found, expected = [], []
        for one, other in ((torch.rand(24, 3, 64, 64, generator=draw), torch.rand(24, 3, 64, 64, generator=draw)), real()):
            found.append(distances.apart({name: ours}, one, other, 8)[name])
            with torch.no_grad():
                expected.append(torch.cat([theirs(a[None] * 2 - 1, b[None] * 2 - 1).flatten() for a, b in zip(one, other, strict=True)]))
        difference = (torch.cat(found) - torch.cat(expected)).abs().max()
        print(
            json.dumps(
                {
                    "name": name,
                    "difference": float(difference),
                    "pairs": len(torch.cat(found)),
                    "least": float(torch.cat(expected).min()),
                    "greatest": float(torch.cat(expected).max()),
                    "lpips": metadata.version("lpips"),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
