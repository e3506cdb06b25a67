"""Pretraining on NIH's radiographs while watching RSNA's, which are some of them in another format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.recipes.tiny import tiny
from tests.trees import nih, rsna
from tests.trees.pixels import radiographs
from vesalius.cli import main
from vesalius.errors import UserError
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.material import Material, load_material
from vesalius.terminal import Terminal

UNKNOWN = "subjects unknown: one patient's images may be on both sides"


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """16 people with two images each at NIH; RSNA has the first image of each as JPEG DICOM, and 16 of others."""
    root = tmp_path_factory.mktemp("trees")
    nih.write(root / "nih", 16, side=256, lists=False, seed=21)
    files = sorted((root / "nih").rglob("*.png"), key=lambda file: file.name)[::2]
    shared = [np.asarray(Image.open(file)) for file in files]
    rsna.write(root / "rsna", 32, pixels=[*shared, *radiographs(16, 256, seed=99)], quality=75)
    names = [file.name for file in files] + [f"{900 + i:08d}_000.png" for i in range(16)]
    (root / "mapping.json").write_text(json.dumps(rsna.mapping(rsna.names(32), names)))
    return {"nih": root / "nih", "rsna": root / "rsna", "mapping": root / "mapping.json"}


def recipe(trees: dict[str, Path], **data: Any) -> dict[str, Any]:
    references = {"train": f"nih-chestxray14@{trees['nih']}", "monitor": f"rsna-pneumonia@{trees['rsna']}"}
    split = {"val": 0.2, "test": 0.3}
    made = tiny("", steps=2, batch_size=4, validate_every={"steps": 2})
    return {**made, "data": {**references, "split": split, "size": 64, **data}}


def loaded(trees: dict[str, Path], **data: Any) -> Material:
    config, _ = load_pretrain(recipe(trees, **data))
    return load_material(config, Terminal(quiet=True))


def held_out(material: Material) -> set[int]:
    """The numbers, 0 to 31, of RSNA's held-out images."""
    monitor = material.examined
    assert monitor is not None
    held = np.concatenate([monitor.table.rows("val"), monitor.table.rows("test")])
    order = {name: number for number, name in enumerate(rsna.names(32))}
    return {order[Path(monitor.table.frame["uri"][row]).stem] for row in held}


def learnt(material: Material) -> set[str]:
    return {Path(uri).name for uri in material.train.table.frame["uri"][material.train.table_rows(material.rows)]}


def test_the_images_that_are_held_out_are_not_learnt_from(trees: dict[str, Path]) -> None:
    material = loaded(trees)
    gone = {f"{number + 1:08d}_000.png" for number in held_out(material) if number < 16}
    assert len(gone) >= 4
    every = {file.name for file in trees["nih"].rglob("*.png")}
    assert learnt(material) == every - gone
    assert material.overlap["left_out_by"] == {"equal": 0, "alike": len(gone), "people": 0}
    found = material.overlap["sets"]["rsna-pneumonia"]
    assert (found["images"], found["of_images"], found["subjects"]) == (len(gone), len(held_out(material)), None)
    assert found["compared_by"] == "stored pixels and perceptual hash"


def test_nor_are_the_people_on_them_where_they_are_known(trees: dict[str, Path]) -> None:
    material = loaded(trees, mapping=str(trees["mapping"]))
    numbers = [number for number in held_out(material) if number < 16]
    gone = {f"{number + 1:08d}_{time:03d}.png" for number in numbers for time in (0, 1)}
    assert learnt(material) == {file.name for file in trees["nih"].rglob("*.png")} - gone
    assert material.overlap["left_out_by"] == {"equal": 0, "alike": len(numbers), "people": len(numbers)}
    assert material.overlap["sets"]["rsna-pneumonia"]["subjects"] == len(numbers)
    assert material.examined is not None
    assert material.examined.table.split_by == "subject"
    allowed = loaded(trees, mapping=str(trees["mapping"]), allow_leakage=True)
    assert allowed.overlap["left_out_by"]["people"] == 0


def test_by_a_field(trees: dict[str, Path]) -> None:
    off = loaded(trees, match="off", mapping=str(trees["mapping"]))
    assert (off.overlap["left_out"], len(off.rows)) == (0, 32)
    assert "data.match: off" in off.overlap["matching"]
    assert loaded(trees, match=0).overlap["left_out"] < loaded(trees, match=100).overlap["left_out"]
    for wrong in ("on", 129, -1):
        with pytest.raises(UserError, match="match"):
            load_pretrain(recipe(trees, match=wrong))
    with pytest.raises(UserError, match=r"data.mapping is m.json, but neither training nor monitoring data ask"):
        loaded(trees, monitor=None, mapping="m.json")


def test_parts_of_one_data_set_are_told_apart_by_their_split_alone(trees: dict[str, Path]) -> None:
    both = loaded(trees, train=f"rsna-pneumonia@{trees['rsna']}")
    assert both.overlap["sets"]["rsna-pneumonia"]["compared_by"] == "stored pixels"
    assert both.overlap["left_out"] == 0


def test_nothing_left_is_one_paragraph(trees: dict[str, Path], tmp_path: Path) -> None:
    files = sorted(trees["nih"].rglob("*_000.png"), key=lambda file: file.name)
    for number in sorted(held_out(loaded(trees)))[:2]:
        Image.open(files[number]).save(tmp_path / f"{number}.bmp")
    with pytest.raises(UserError, match=r"Every training image is a validation or test image .* --data.match off"):
        loaded(trees, train=str(tmp_path))


def test_through_the_command_line(trees: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe(trees)))
    with pytest.raises(SystemExit) as ended:
        main(["pretrain", str(tmp_path / "r.yaml"), "--out", str(tmp_path / "run")])
    assert not ended.value.code
    said = " ".join(capsys.readouterr().err.split())
    assert "look like validation or test images of rsna-pneumonia" in said
    assert "(within 64 of 512 bits of a perceptual hash); they are left out." in said
    assert UNKNOWN in said
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    gone = results["data"]["overlap"]["left_out"]
    assert gone == results["data"]["overlap"]["left_out_by"]["alike"] >= 4
    assert results["data"]["train"]["images"] == 32 - gone
    for said_by in (results["warnings"], results["verdict"], results["data"]["monitor"]["warnings"]):
        assert any(UNKNOWN in text for text in said_by)
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{gone} training images that are also held out were left out of training: {gone} look alike (perceptual hash)." in page
    assert "subjects unknown: one patient" in page
