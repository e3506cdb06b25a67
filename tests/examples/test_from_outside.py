"""Every example as a package of somebody else's: installed beside Vesalius, found by ``vesalius list``, and run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vesalius
from tests.coverage.command_line import vesalius as command
from vesalius import registry

EXAMPLES = Path(__file__).parents[2] / "examples"
POINTS = {
    "methods": ("barlow-twins", "my_method"),
    "sources": ("wards", "my_source"),
    "protocols": ("nearest-mean", "my_protocol"),
    "strategies": ("round-robin", "my_strategy"),
    "zoo": ("efficientnet-lite", "efficientnet_zoo"),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder of packages with the examples in it, on the path, and images of two wards."""
    site = tmp_path_factory.mktemp("site")
    (site / "our_package").mkdir()
    (site / "our_package" / "__init__.py").touch()
    info = site / "our_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-package\nVersion: 1.0\n")
    lines = [f"[vesalius.{group}]\n{name} = our_package.{file}\n" for group, (name, file) in POINTS.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for _, file in POINTS.values():
        shutil.copy(EXAMPLES / f"{file}.py", site / "our_package")
    rng = np.random.default_rng(0)
    for number in range(48):
        ill = number % 2
        pixels = rng.integers(0, 120, (16, 16)) + 90 * ill * (np.arange(16) > 8)
        place = site / "wards" / ("north", "south")[number % 3 == 0] / f"p{number // 2 * 2 + ill}_{number}_{('well', 'ill')[ill]}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        patch.setattr(registry, "_plugins", {})
        registry.names.cache_clear()
        yield site
    registry.names.cache_clear()


@pytest.mark.parametrize(("group", "name", "file"), [(group, *point) for group, point in POINTS.items()])
def test_it_is_one_short_file_and_listed_with_its_package(installed, group, name, file):
    assert len((EXAMPLES / f"{file}.py").read_text().splitlines()) <= 80
    done = command("list", group)
    assert done.code == 0, done.said
    (line,) = [line for line in done.said.splitlines() if line.startswith(f"{group}\t{name}\t")]
    assert line.split("\t")[2] == "our_package"
    assert len(line.split("\t")[3]) > 20


def test_a_group_that_does_not_exist_is_told_with_those_that_do(installed):
    done = command("list", "methds")
    assert done.code == 2
    assert "Groups of names: methods, sources" in done.said


@pytest.fixture(scope="module")
def pretrained(installed, tmp_path_factory):
    """An encoder by the method, of the source."""
    return vesalius.pretrain(
        "cifar10-simclr", out=tmp_path_factory.mktemp("runs") / "twins", quiet=True,
        **{
            "data.train": f"wards@{installed}/wards", "data.monitor": f"wards@{installed}/wards", "method.name": "barlow-twins", "method.dim": 16,
            "method.hidden": 32, "encoder.name": "resnet18", "encoder.width": 0.0625, "views": "grey-32", "steps": 6, "batch_size": 16, "device": "cpu",
            "precision": "fp32", "threads": 1, "monitors": {},
        },
    )  # fmt: skip


def test_the_source_keeps_patients_apart_and_the_method_learns(pretrained, installed):
    done = command("data", "check", f"wards@{installed}/wards:ward")
    assert done.code == 0, done.said
    config = pretrained.path / "config.yaml"
    assert "barlow-twins" in config.read_text()
    assert "p0" not in (pretrained.path / "results.json").read_text()


def test_the_loss_is_its_papers():
    from examples.my_method import barlow_twins

    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 40, 5)).astype(np.float32)
    found = float(barlow_twins(torch.from_numpy(a), torch.from_numpy(b), 0.01))
    c = np.corrcoef(a.T, b.T)[:5, 5:]
    slow = sum((1 - c[i, i]) ** 2 for i in range(5)) + 0.01 * sum(c[i, j] ** 2 for i in range(5) for j in range(5) if i != j)
    assert found == pytest.approx(slow, rel=1e-3)
    assert float(barlow_twins(torch.from_numpy(a), torch.from_numpy(a), 0.0)) == pytest.approx(0, abs=1e-6)


def test_the_protocol_and_the_strategy_run_on_what_was_learnt(pretrained, installed, tmp_path):
    found = vesalius.evaluate(
        "nearest-mean", encoder=str(pretrained.path), data=f"wards@{installed}/wards", quiet=True, device="cpu", replicates=100, out=tmp_path / "run",
        **{"split.test": 0.3},
    )  # fmt: skip
    row = next(row for row in found.results["nearest_mean"]["cells"] if row["primary"] and row["encoder"] == "twins")
    assert 0 <= row["value"] <= 1
    picked = vesalius.select(
        data=f"wards@{installed}/wards", n=4, strategy="round-robin:ward", path_regex="(?P<ward>north|south)", quiet=True, out=tmp_path / "picked"
    )
    assert sorted(name.partition("/")[0] for name in picked.names[:2]) == ["north", "south"]
