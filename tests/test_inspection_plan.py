"""``vesalius data plan`` through the command line: a table with reasons, and YAML that a recipe takes as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.coverage.command_line import vesalius
from tests.trees import tcia
from vesalius.data.plan import Plan


def pasted(said: str) -> Plan:
    return Plan.model_validate(yaml.safe_load(said[said.index("data:\n") :])["data"]["plan"])


def test_a_folder_a_list_and_a_source(tmp_path: Path) -> None:
    root = tcia.write(tmp_path / "tree", tcia.NAMES[:4], layout="flat")
    file = tcia.write_list(tmp_path / "lists" / "list.json", tcia.NAMES[:3], tcia.NAMES[3:4])
    told = vesalius("data", "plan", f"tcia-covid19-ct@{root}")
    assert told.code == 0, told.said
    assert pasted(told.said).spacing == (2, 2, 2)
    of_list = vesalius("data", "plan", str(file), "--root", str(root), "--memory", "8GiB", "--multiple", "32")
    assert of_list.code == 0, of_list.said
    assert pasted(of_list.said).patch == (32, 32, 64)
    assert "of 8 GiB" in of_list.said.replace("\n", " ")
    folder = tmp_path / "own"
    folder.mkdir()
    for number, scan in enumerate(sorted((root / "data").iterdir())):
        scan.rename(folder / f"{number}.nii.gz")
    own = pasted(vesalius("data", "plan", str(folder)).said)
    assert (own.modality, own.spacing, own.intensity.rule) == ("ct", (0.8, 0.8, 5.0), "window")


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--memory", "much"), "--memory is 'much'"), (("--multiple", "0"), "--multiple is 0"), ((), "holds no volumes")],
)
def test_what_cannot_be_planned_is_refused(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    from tests.recipes.tiny import images

    told = vesalius("data", "plan", str(images(tmp_path / "images", 4)), *words)
    assert told.code == 2
    assert said in " ".join(told.said.split())
