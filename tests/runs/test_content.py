"""Digests of what a run made: equal for what is equal but for times, other for everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from vesalius.runs import Run, content


def one(place: Path, name: str, data: bytes | str) -> str:
    place.mkdir(exist_ok=True)
    (place / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return content.digest(place / name)


def test_times_and_memory_do_not_count_and_numbers_do(tmp_path: Path) -> None:
    def digest(**facts: Any) -> str:
        return one(tmp_path, "results.json", json.dumps({"cost": facts, "rows": [{"value": 0.1, **facts}]}))

    assert digest(seconds=1.0, peak_memory_mb=3) == digest(seconds=2.0, peak_memory_mb=4)
    assert digest(value=0.1) != digest(value=0.1 + 2**-56)
    lines = ['{"step": 1, "loss": 0.5, "time": 1}\n', '{"step": 1, "loss": 0.5, "time": 2}\n', '{"step": 1, "loss": 0.25, "time": 1}\n']
    first, second, third = (one(tmp_path, "metrics.jsonl", line) for line in lines)
    assert first == second != third


def test_of_tensors_names_and_bits_count(tmp_path: Path) -> None:
    zero = save({"a": torch.zeros(3)}, {"x": "1", "y": "2"})
    assert one(tmp_path, "a.safetensors", zero) == one(tmp_path, "a.safetensors", save({"a": torch.zeros(3)}, {"y": "2"}))
    others = [save({"b": torch.zeros(3)}), save({"a": -torch.zeros(3)}), save({"a": torch.zeros(3, 1)}), b"none", b"\xff" * 40]
    assert len({one(tmp_path, "a.safetensors", data) for data in [zero, *others]}) == 1 + len(others)


def test_logs_pages_states_and_hidden_files_do_not_count(tmp_path: Path) -> None:
    run = Run.create("pretrain", "x", {}, tmp_path / "run")
    results = ("results.json", "figures/a.png", "checkpoints/best-knn/encoder.safetensors")
    for name in (*results, "checkpoints/step-3/state.json", ".part", "report.html", "log.txt"):
        (run.path / name).parent.mkdir(parents=True, exist_ok=True)
        (run.path / name).write_text("{}")
    run.finish("done")
    made = json.loads((run.path / content.FILE).read_text())
    assert set(made) == set(results)
    assert {content.what(name) for name in made} == {"results", "pictures", "encoder"}
