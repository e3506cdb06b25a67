"""Images found again from features: three real ones, two encoders with a named layer each, two seeds; one image at 3,000 iterations; memory and time.

    python -m docs.proofs.inverted FOLDER [--part found|long] [--data NPZ] [--size 224] [--iterations 1000] [--until 0.1] [--seeds 2] [--threads 2]

Encoders: EfficientNet-Lite0 with ImageNet's weights, inverted at ``blocks.1`` (24 channels, a quarter of the image's sides), and the gallery's
ResNet-18 of a quarter of the width, trained on PneumoniaMNIST by ``docs/gallery/ours.yaml``, at ``layer2``; the long part inverts the last map.
Images: a radiograph of PneumoniaMNIST, skimage's retina and its stained colon. A fit ends once its error is 0.1, so that the time is no more than is needed.
All in FOLDER and through the command line; what is there is kept, and what was stopped goes on. Prints a JSON line for each encoder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from docs.prove import FAIL, PASS, Line, Outcome, Step, by_tests, named

BAR, BUDGET = 0.1, 1000
LAYERS = {"efficientnet-lite0": "blocks.1", "ours": "layer2"}
_FOLDER = "runs/proof-inverted"


def prepared(folder: Path, data: Path, threads: int) -> None:
    """The images and both encoders, where they are not there yet."""
    import numpy as np
    from docs.gallery.material import HERE, pictures
    from docs.proofs.finetune_budget import environment
    from docs.proofs.finetune_budget import prepared as public

    from vesalius.figures import png

    found = pictures(data)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for name in ("children", "retina", "histology"):
        (folder / "images" / f"{name}.png").write_bytes(png(np.asarray(found[name][0])))
    if not (folder / "cache/models/efficientnet-lite0").exists():
        public(folder)
    if not (folder / "runs/ours/results.json").exists():
        words = ("pretrain", str(HERE / "ours.yaml"), "--data.train", str(data.resolve()), "--threads", str(threads), "--out", str(folder / "runs/ours"))
        _called(words, environment(folder, threads))


def evaluated(folder: Path, name: str, words: list[str], threads: int) -> dict[str, Any]:
    """The results of ``vesalius evaluate reconstruction`` in ``runs/NAME``: as they are there, gone on with, or made."""
    from docs.proofs.finetune_budget import environment

    out = folder / "runs" / name
    if not (out / "results.json").exists():
        again = ("evaluate", "reconstruction", "--resume", str(out))
        begin = ("evaluate", "reconstruction", *words, "--twin", "false", "--device", "cpu", "--out", str(out))
        _called(again if (out / "run.json").exists() else begin, environment(folder, threads))
    found: dict[str, Any] = json.loads((out / "results.json").read_text())["reconstruction"]
    return found


def _called(words: tuple[str, ...], env: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "vesalius.cli", *words], env=env, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def rows(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """For each encoder its errors, how many iterations they took and how long."""
    made = []
    for facts in found["chosen"]:
        own = [row for row in found["pictures"] if row["encoder"] == facts["encoder"]]
        keys = ("layer", "layer_shape", "size", "generator_parameters", "seconds_per_image", "precision", "seeds", "at_once")
        numbers = {key: [round(row[key], 4) for row in own] for key in ("feature_error", "psnr", "ssim", "clipped_feature_error")}
        made.append(
            {"name": f"{name}, {facts['encoder']}", "iterations": [row["iterations"] for row in own], **{key: facts[key] for key in keys}, **numbers}
        )
    return made


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=("found", "long"), default="found")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROVE_DATA", ".")) / "pneumoniamnist.npz")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--iterations", type=int, default=BUDGET)
    parser.add_argument("--until", type=float, default=BAR)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    folder = given.folder.resolve()
    prepared(folder, given.data, given.threads)
    if given.part == "found":
        encoders = ["--encoder", "efficientnet-lite0", "--encoder", f"ours={folder / 'runs/ours'}", "--images", str(folder / "images")]
        fit = ["--iterations", given.iterations, "--until", given.until, "--seeds", given.seeds, "--size", given.size, "--layer", json.dumps(LAYERS)]
        name = f"found-{given.size}-{given.iterations}-{given.until:g}-{given.seeds}"
    else:
        encoders = ["--encoder", "efficientnet-lite0", "--images", str(folder / "images/retina.png")]
        fit = ["--iterations", given.iterations, "--size", given.size]
        name = f"long-{given.size}-{given.iterations}"
    for row in rows(evaluated(folder, name, [*encoders, *map(str, fit)], given.threads), given.part):
        print(json.dumps(row), flush=True)


def found(outcome: Outcome) -> list[Line]:
    """Errors of three images and two seeds, with the time of each."""
    lines = []
    for encoder in LAYERS:
        row = named(outcome, f"found, {encoder}")
        size = row["size"][0]
        each = ", ".join(f"{error:.3f} after {count:,}" for error, count in zip(row["feature_error"], row["iterations"], strict=True))
        good = max(row["feature_error"]) <= BAR and max(row["iterations"]) <= BUDGET and len(row["feature_error"]) == 6
        claim = f"{encoder}, {row['layer']} ({' × '.join(map(str, row['layer_shape']))}), three real images, two seeds: error of the features at most {BAR}"
        took = f"{row['seconds_per_image']:.0f} s an image at {size} px, {row['precision']}"
        note = f"a fit ends at {BAR}; {took}; PSNR {min(row['psnr']):.1f} to {max(row['psnr']):.1f} dB"
        lines.append(Line(f"{claim} within {BUDGET:,} iterations at {size} px", f"iterations: {each}", PASS if good else FAIL, note=note))
    return lines


def long(outcome: Outcome) -> list[Line]:
    """One image to the original's 3,000 iterations."""
    row = named(outcome, "long, efficientnet-lite0")
    count, size = row["iterations"][0], row["size"][0]
    figure = f"{row['seconds_per_image'] / 60:.1f} minutes; error {row['feature_error'][0]:.4f}, PSNR {row['psnr'][0]:.1f} dB, SSIM {row['ssim'][0]:.2f}"
    good = count == 3000 and size == 224
    return [Line(f"One image, {count:,} iterations at {size} px, EfficientNet-Lite0's last map, its time as it is", figure, PASS if good else FAIL)]


def at_once(outcome: Outcome) -> list[Line]:
    """What four images at once take beside one: the default is the one that was faster."""
    from vesalius.evaluate.protocols.reconstruction import Config

    time, memory = (named(outcome, f"four images found again at once, {what}") for what in ("time", "memory"))
    default = Config().at_once
    right = (default > 1) is (time["ratio"] > 1)
    said = f"{time['ours']} {time['unit']} four at once, {time['peer']} one at a time; the default is {default}"
    held = f"{memory['ours']:g} {memory['unit']} four at once, {memory['peer']:g} one at a time"
    return [
        Line("Time of one and of four images at once; the default is what was faster", said, PASS if right else FAIL, note=time["setting"]),
        Line("Memory of one and of four images at once, as it is", held, PASS, note=memory["setting"]),
    ]


def steps() -> list[Step]:
    """What issue 8 had to show of reconstruction."""
    tests = ("tests/evaluate/reconstructed", "tests/evaluate/protocols/test_reconstruction.py", "tests/measures/test_picture_quality.py")
    command = ("python", "-m", "docs.proofs.inverted", _FOLDER)
    return [
        by_tests("generator's parameters", "The documented generator has 2,606,763 parameters", "tests/evaluate/reconstructed", "-k", "as_many_parameters"),
        by_tests(
            "reconstruction",
            "The generator paints what the network of its paper paints layer by layer; a killed fit goes on bit for bit, a finished one is not made again; "
            "together and in turn are the same; PSNR and SSIM are scikit-image's and torchmetrics'; no module of the encoder is ever in training mode",
            *tests, least=20,
        ),
        Step("images found again", command, found, timeout=7200),
        Step("one image at 3,000 iterations", (*command, "--part", "long", "--iterations", "3000"), long, timeout=7200),
        Step("images at once", ("python", "-m", "benchmarks.inversion"), at_once, timeout=1800),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
