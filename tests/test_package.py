"""What the package says of itself and what a wheel of it would hold, without building one: docs/proofs/wheel.py builds."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from docs.proofs.floors import lowest
from packaging.requirements import Requirement

import vesalius

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "vesalius"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAMED_OTHERWISE = {
    "PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml", "upath": "universal-pathlib", "mlflow": "mlflow-skinny", "azure": "azure-ai-ml",
}  # fmt: skip
SHOWN = ("lightly_studio", "lightly_studio_serve")
"""What a docstring shows users how to import."""
IMPORTS = re.compile(r"^ *(?:import|from(?= [\w.]+ import )) (\w+)", re.MULTILINE)
BROUGHT = {"fsspec": "universal-pathlib", "huggingface-hub": "timm", "markupsafe": "jinja2"}
"""What is imported and comes with another that has no use without it."""


def declared() -> list[Requirement]:
    lines = [*PROJECT["dependencies"], *(line for extra, lines in PROJECT["optional-dependencies"].items() if extra != "dev" for line in lines)]
    return [Requirement(line) for line in lines]


def test_a_wheel_would_hold_the_whole_package_and_nothing_else() -> None:
    build = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    files = {one.distribution_path for one in build.WheelBuilder(str(ROOT)).recurse_included_files()}
    there = {f"vesalius/{p.relative_to(SOURCE).as_posix()}" for p in SOURCE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert files == {name for name in there if not name.endswith(".pyc")}
    assert "vesalius/py.typed" in files
    kinds = {Path(name).suffix for name in files}
    assert kinds == {".py", ".yaml", ".j2", ".js", ".css", ".typed"}, "code, recipes, numbers, templates: no data, no tests"


def test_version_licence_and_authors_are_the_same_everywhere() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["version"] == vesalius.__version__ == cited["version"] == metadata.version("vesalius")
    assert PROJECT["license"] == cited["license"] == "Apache-2.0"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert [one["name"] for one in PROJECT["authors"]] == [one["name"] for one in cited["authors"]]
    assert PROJECT["keywords"] == cited["keywords"]


def test_every_dependency_states_a_lower_bound_that_can_be_installed() -> None:
    for requirement in declared():
        assert re.fullmatch(r"[\w.\[\],-]+==[\d.*]+", lowest(requirement)), requirement


def test_every_import_is_declared() -> None:
    found: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        found |= set(IMPORTS.findall(file.read_text()))
    names = {NAMED_OTHERWISE.get(name, name).lower().replace("_", "-") for name in found - set(sys.stdlib_module_names) - {"vesalius", *SHOWN}}
    known = {requirement.name.lower().replace("_", "-") for requirement in declared()}
    assert {BROUGHT.get(name, name) for name in names} <= known
    assert set(BROUGHT.values()) <= known
