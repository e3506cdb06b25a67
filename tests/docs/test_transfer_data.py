"""The commands of docs/transfer-data.md, run in the original's tree; its tables name every task and alias."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.coverage.command_line import vesalius
from tests.trees import transfer
from vesalius import registry
from vesalius.data.source_names import ALIASES, plain

PAGE = Path(__file__).resolve().parents[2] / "docs" / "transfer-data.md"


def test_every_command_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESALIUS_DATA", raising=False)
    transfer.original(tmp_path / "data")
    zipped = Path(shutil.make_archive(str(tmp_path / "whole"), "zip", tmp_path / "data" / "diabetic_retinopathy")).read_bytes()
    (tmp_path / "downloads").mkdir()
    for number, start in enumerate(range(0, len(zipped), 5000), 1):
        (tmp_path / "downloads" / f"train.zip.{number:03d}").write_bytes(zipped[start : start + 5000])
    lines = [line for block in re.findall(r"^```bash\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 6
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "vesalius"
        done = vesalius(*words)
        assert done.code == 0, f"{line}\n{done.said}"


def test_its_tables_name_every_task_and_other_name() -> None:
    text = PAGE.read_text()
    for source in {plain(name) for name in transfer.ORIGINALS} - set(ALIASES) | {name.partition(":")[0] for name in ALIASES.values()}:
        module = registry.entry("sources", source)
        assert f"| `{source}`" in text or f", `{source}`" in text, source
        tasks = [task for task in module.TASKS if source not in ("nih-chestxray14", "chexpert", "stoic")]
        assert [task for task in tasks if f"`{task}`" not in text] == [], source
        assert module.LICENCE
    for alias in ALIASES:
        assert f"`{alias}`" in text.replace("diabetic_retinopathy", "diabetic-retinopathy"), alias
