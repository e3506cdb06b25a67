"""nnU-Net beside our residual encoder: equal numbers, and its own loader on our export.

    python -m docs.proofs.nnunet

Installs into folders that are thrown away: ``dynamic-network-architectures`` without its requirements (it asks for an older timm than
ours) for the tests that compare outputs, and ``nnunetv2`` with all of its own into an environment of its own (several GB).
PROVE_NNUNET names the Python of an environment that has it already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from copy import deepcopy
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
NETWORKS, NNUNET = "dynamic-network-architectures==0.4.4", "nnunetv2==2.8.1"
TESTS = ("tests/encoders/test_resenc.py", "tests/encoders/exporting/test_nnunet.py")


def compared(folder: Path) -> None:
    """Our tests with the package they compare with."""
    _run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), NETWORKS)
    paths = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    done = _run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS, paths=paths)
    print(
        json.dumps(
            {
                "name": "tests beside dynamic-network-architectures",
                "code": done.returncode,
                "said": done.stdout.strip().splitlines()[-1],
            }
        )
    )


def loaded(folder: Path) -> None:
    """A full-size export, read by nnU-Net."""
    from vesalius.encoders import build_encoder
    from vesalius.export import export

    encoder = build_encoder("resenc-l", channels=1, size=(64, 32, 32)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in encoder.network.parameters():
            tensor.add_(0.02 * torch.randn(tensor.shape, generator=generator))
        # In double precision: over the few voxels of the last stage an instance norm makes much of rounding.
        volume = torch.rand(1, 1, 64, 32, 32, generator=generator, dtype=torch.float64)
        torch.save({"volume": volume, "maps": deepcopy(encoder).double().pyramid(volume)}, folder / "features.pt")
    result = export(encoder, to="nnunet", out=folder / "export", quiet=True)
    python = os.environ.get("PROVE_NNUNET")
    if python is None:
        venv.create(folder / "own", with_pip=True)
        python = str(folder / "own" / "bin" / "python")
        _run(python, "-m", "pip", "install", "-q", NNUNET)
    script = str(Path(__file__).with_name("nnunet_loads.py"))
    done = _run(python, "-I", script, str(result.file), str(folder / "features.pt"))
    print(done.stdout if done.returncode == 0 else done.stderr)


def _run(*words: str, paths: str | None = None) -> subprocess.CompletedProcess[str]:
    """A command in the project's folder; ``paths``: another PYTHONPATH."""
    environment = os.environ if paths is None else {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        compared(Path(place) / "networks")
        loaded(Path(place))
