"""The section of reconstructions: only where a monitor looked at them, with the tutorial's four curves and the picture."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from vesalius.report.page import build
from vesalius.report.reading import read_run
from vesalius.report.reconstruction import section
from vesalius.views.planes import sheet


def written(folder: Path, *, painted: bool = True) -> Path:
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps({"kind": "pretrain"}))
    rows = []
    for step in range(1, 5):
        rows.append({"kind": "train", "step": step, "loss": 1 / step, "loss/l1": 0.5 / step, "loss/l1_contrastive": 0.1, "contrastive": 2 / step})
        if painted:
            names = ("l1", "hidden_l1", "kept_l1", "identity_l1", "mean_l1")
            values = {f"monitor/reconstruction/{name}": 0.1 * (i + 1) / step for i, name in enumerate(names)}
            rows.append({"kind": "monitor", "step": step, "monitor/reconstruction/hidden_share": 0.25, **values})
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    if painted:
        (folder / "figures").mkdir()
        image = torch.rand(8, 8, 8)
        (folder / "figures" / "reconstruction-planes.png").write_bytes(sheet([[image] * 4], ["original", "view 1", "view 2", "reconstruction"]))
    return folder


def test_four_curves_a_sentence_and_the_picture(tmp_path: Path) -> None:
    run = written(tmp_path / "run")
    found = section([read_run(run)], 1_000_000)
    charts = found.parts["charts"]
    assert [chart.title for chart in charts] == ["Total loss", "L1 in training", "Contrastive term", "L1 on validation"]
    assert [line.name for line in charts[3].lines] == ["reconstruction", "damaged view copied", "mean answered"]
    parts = found.blocks[0].parts
    assert parts["columns"] == ["original", "view 1", "view 2", "reconstruction"]
    assert "L1 on validation was 0.025" in parts["said"]
    assert "25 % of it" in parts["said"]
    page = build([run]).read_text()
    assert 'id="reconstruction"' in page
    assert page.count("data:image/png") == 1
    assert "view 2</span>" in page


def test_a_run_that_paints_nothing_has_no_such_section(tmp_path: Path) -> None:
    one, two = written(tmp_path / "one", painted=False), written(tmp_path / "two")
    assert 'id="reconstruction"' not in build([one]).read_text()
    both = section([read_run(one, "A"), read_run(two, "B")], 1_000_000)
    assert "No monitor of reconstructions ran" in both.blocks[0].reason
    assert both.parts["charts"][3].lines[0].name == "B · reconstruction"
