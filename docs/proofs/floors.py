"""``make floors``: whether the lowest versions that ``pyproject.toml`` allows are enough.

    python -m docs.proofs.floors [FOLDER] [--extras NAME ...]

Makes an environment in FOLDER (a temporary one, deleted at the end, when it is left out) with the lowest allowed version of each dependency,
imports every module of Vesalius there, and runs tests: files, views, stores, and each verb once. torch and torchvision are lent by the
environment that this runs in: the older ones are gigabytes each, and their floors are said to be not run. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LENT = ("torch", "torchvision")
_WITH_TORCH = ("nvidia", "cuda", "triton")
TESTS = (
    "tests/test_repeat.py", "tests/files", "tests/views", "tests/data/readers", "tests/data/own", "tests/data/test_pixel_store.py",
    "tests/data/test_table.py", "tests/encoders/test_build.py", "tests/encoders/test_monai_family.py", "tests/encoders/test_torchvision_family.py",
)  # fmt: skip
WITHOUT = ("tests/views/test_patches.py", "tests/views/test_docs.py", "tests/data/readers/test_dicom.py")
"""What leans on the dependencies most, and each verb; without what needs lightly, further files of pydicom, or a page's last digits."""
_RUNNER = ("pytest>=8", "pytest-timeout>=2.3", "hypothesis>=6.100", "beartype>=0.20", "pydicom-data")
_IMPORT = """
import importlib, pkgutil, sys, vesalius
names = [m.name for m in pkgutil.walk_packages(vesalius.__path__, "vesalius.")]
failed = {}
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
print(len(names), failed)
sys.exit(bool(failed))
"""


def requirements(extras: Sequence[str] = ()) -> list[Requirement]:
    """What the package asks for, and what ``extras`` of it do."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for name in extras for line in project["optional-dependencies"][name])]
    return [Requirement(line) for line in asked]


def lowest(requirement: Requirement) -> str:
    """``numpy==1.26`` of ``numpy>=1.26``. Raises ValueError where no lower bound is stated."""
    bounds = [part for part in requirement.specifier if part.operator in (">=", "==")]
    if len(bounds) != 1:
        raise ValueError(f"{requirement} states no lower bound.")
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}=={bounds[0].version}"


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m docs.proofs.floors")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--extras", nargs="*", default=[])
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as draft:
        folder = given.folder or Path(draft) / "floors"
        python = _environment(folder, given.extras)
        imported = _run([python, "-c", _IMPORT], folder)
        there = [name for name in TESTS if (ROOT / name).exists()]
        tested = _run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"--ignore={name}" for name in WITHOUT), *there], folder)
        names = [r.name for r in requirements(given.extras)]
        versions = json.loads(_run([python, "-c", _VERSIONS, *names], folder).stdout)
    said = tested.stdout.strip().splitlines()[-1] if tested.stdout.strip() else ""
    line = {"name": "floors", "imports": imported.stdout.strip(), "tests": said, "versions": versions, "lent": list(LENT)}
    passed = imported.returncode == 0 and tested.returncode == 0
    if not passed:
        sys.stderr.write(imported.stderr[-4000:] + tested.stdout[-12000:])
    print(json.dumps({**line, "passed": passed, "seconds": round(time.monotonic() - began, 1)}))
    sys.exit(not passed)


_VERSIONS = "import json, sys; from importlib import metadata as m; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"


def _environment(folder: Path, extras: Sequence[str]) -> str:
    """The Python of a new environment with the floors in it."""
    venv.create(folder, with_pip=True, clear=True)
    python = str(folder / "bin" / "python")
    lent = folder / "lent"
    lent.mkdir()
    for name in _lent():
        for top in {file.parts[0] for file in metadata.distribution(name).files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (lent / top).exists():
                (lent / top).symlink_to(Path(str(metadata.distribution(name).locate_file(top))))
    packages = next((folder / "lib").glob("python*/site-packages"))
    (packages / "lent.pth").write_text(f"{lent}\n")
    pins = [lowest(r) for r in requirements(extras) if r.name not in LENT]
    done = _run([python, "-m", "pip", "install", "-q", "--only-binary", ":all:", *pins, *_RUNNER, *(f"{n}=={metadata.version(n)}" for n in LENT)], folder)
    if done.returncode == 0:
        done = _run([python, "-m", "pip", "install", "-q", "--no-deps", "-e", str(ROOT)], folder)
    if done.returncode:
        sys.exit(done.stderr[-4000:])
    return python


def _lent() -> list[str]:
    """torch, torchvision, and the libraries of a GPU that only they need."""
    found, left = [], list(LENT)
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            asked = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.append(name)
        left += [r.name for r in map(Requirement, asked) if r.name.startswith(_WITH_TORCH)]
    return found


def _run(words: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    places = {"VESALIUS_RUNS": str(folder / "runs"), "VESALIUS_CACHE": str(folder / "cache")}
    return subprocess.run(words, cwd=ROOT, env={**kept, **places}, capture_output=True, text=True, check=False)  # noqa: S603


if __name__ == "__main__":
    main()
