"""What docs/volumes.md says of plans, against the code and a folder of phantoms."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.trees import tcia
from vesalius.data import fingerprint, planning
from vesalius.data.plan import Plan
from vesalius.data.references import resolve

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "volumes.md").read_text(encoding="utf-8")
SECTION = PAGE[PAGE.index("## The plan") :]


def test_the_plan_that_is_shown_is_that_of_thick_slices_of_ct(tmp_path: Path) -> None:
    shown = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)[0])
    root = tcia.write(tmp_path, [f"scan{number}.nii.gz" for number in range(3)], layout="flat")
    assert Plan.model_validate(shown["data"]["plan"]) == planning.planned(resolve(str(root / "data"))).plan


def test_the_numbers_are_the_codes() -> None:
    plain = " ".join(SECTION.split())
    for stage, said in (("pretrain", "5.0 GiB to pretrain"), ("finetune", "7.8 to fine-tune")):
        assert f"{planning.bytes_of((96, 96, 96), stage) / planning.GIB:.1f}" == re.findall(r"[\d.]+", said)[0]
        assert said in plain
    assert f"up to {fingerprint.MOST} volumes" in plain
    assert f"above {fingerprint.AIR:g} HU" in plain
    for field in Plan.model_fields:
        assert f"| `{field}` |" in SECTION
