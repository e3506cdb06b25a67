"""Each verb by the command line and by Python: the same run directory, but for ids and times."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

import vesalius
from tests.recipes.tiny import blobs, tiny
from tests.reliability.processes import environment
from vesalius.cli import app, main
from vesalius.recipes import layers
from vesalius.runs import TIMES

VERBS = ("pretrain", "finetune", "embed", "export", "report", "demo")
CHANGING = {"id", "started", "finished", "process", "seconds", *TIMES, "spent", "peak_memory_mb", "time_by_stage", "config_sha256"}
"""What is another in each run: ids and times, the memory a process took before, and the digest of comments that say who set a field."""


def told(value: Any, folder: Path) -> Any:
    """``value`` without ids and times, the run's own folder unnamed."""
    if isinstance(value, dict):
        return {key: told(item, folder) for key, item in value.items() if key not in CHANGING}
    if isinstance(value, list):
        return [told(item, folder) for item in value]
    return value.replace(folder.name, "RUN") if isinstance(value, str) else value


def content(folder: Path) -> dict[str, Any]:
    """Every file of a run as far as it must be equal."""
    found: dict[str, Any] = {}
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = file.relative_to(folder).as_posix()
        if file.suffix == ".json":
            found[name] = told(json.loads(file.read_text()), folder)
            if name.startswith("checkpoints"):
                found[name] = {k: v for k, v in found[name].items() if k != "sha256"}
        elif file.suffix == ".jsonl":
            found[name] = [told(json.loads(line), folder) for line in file.read_text().splitlines()]
        elif file.suffix == ".safetensors":
            from safetensors.torch import load_file

            found[name] = {key: tensor.numpy().tobytes() for key, tensor in load_file(file).items()}
        elif file.suffix == ".parquet":
            cells = pd.read_parquet(file).map(lambda cell: cell.tolist() if isinstance(cell, np.ndarray) else cell)
            found[name] = repr(cells.to_dict())  # as text: what is not a number is not equal to itself
        elif file.suffix == ".html":
            found[name] = "an HTML page" if "</html>" in file.read_text() else "cut"
        elif file.suffix == ".yaml":
            found[name] = told(yaml.safe_load(file.read_text()), folder)
        elif file.name == "log.txt":
            found[name] = [line.split(" ", 1)[1] for line in file.read_text().splitlines()]
        else:
            found[name] = file.read_bytes().replace(folder.name.encode(), b"RUN")
    return found


def same(one: Path, two: Path) -> None:
    a, b = content(one), content(two)
    assert a.keys() == b.keys()
    for name in a:
        assert a[name] == b[name], name


def cli(*words: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert not ended.value.code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    return tmp_path


def test_pretrain_both_ways(folder: Path) -> None:
    recipe = tiny(blobs(folder), examine=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(recipe))
    cli("pretrain", "tiny.yaml", "--out", "cli", "--steps", "5", "--method.temperature", "0.3", "--data.split.seed", "4")
    by_keyword = vesalius.pretrain("tiny.yaml", out="python", steps=5, quiet=True, **{"method.temperature": 0.3, "data": {"split": {"seed": 4}}})
    by_mapping = vesalius.pretrain(
        {**recipe, "steps": 5, "method": {**recipe["method"], "temperature": 0.3}, "data": {**recipe["data"], "split": {"seed": 4}}},
        out=folder / "map",
        quiet=True,
    )
    same(folder / "cli", by_keyword.path)
    same(folder / "cli", by_mapping.path)
    assert {"results.json", "report.html", "encoder.safetensors", "views.png", "metrics.jsonl"} <= content(folder / "cli").keys()


def test_demo_both_ways(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's own data take minutes; its recipe's name stands for a tiny one here."""
    data = blobs(folder)
    monkeypatch.setattr(layers, "_read", lambda reference, *_: (layers.Layer(tiny(data, name=reference), reference), reference))
    monkeypatch.setattr(importlib.import_module("vesalius.demo"), "PICKS", 4)
    cli("demo", "--out", "cli")
    result = vesalius.demo(out="python", quiet=True)
    same(folder / "cli", result.path)
    assert json.loads((result.path / "run.json").read_text())["name"] == "demo"
    assert len(result.selection.names) == 4
    assert result.selection.path == result.path / "selection"


def test_finetune_both_ways(folder: Path) -> None:
    data = blobs(folder)
    vesalius.pretrain(tiny(data), out="run", quiet=True)
    cli("finetune", "classifier", "--encoder", "run", "--data.train", data, "--encoder.freeze", "false", "--steps", "3", "--out", "cli")
    fields = {"data.train": str(data), "steps": 3}
    by_name = vesalius.finetune("classifier", encoder="run", out="python", quiet=True, **{"encoder.freeze": False, **fields})
    by_mapping = vesalius.finetune("classifier", encoder={"weights": "run", "freeze": False}, out=folder / "map", quiet=True, **fields)
    same(folder / "cli", by_name.path)
    same(folder / "cli", by_mapping.path)
    assert {"results.json", "predictions.parquet", "classifier.json", "encoder.safetensors", "report.html"} <= content(folder / "cli").keys()


def test_embed_and_report_both_ways(folder: Path) -> None:
    data = blobs(folder)
    run = vesalius.pretrain(tiny(data), out="run", quiet=True)
    cli("embed", "--encoder", "run", "--data", data, "--split", "val", "--normalise", "--batch-size", "7")
    by_cli = max((folder / "runs").glob("*-embed-*"), key=lambda p: json.loads((p / "run.json").read_text())["started"])
    result = vesalius.embed("run", str(data), split="val", normalise=True, batch_size=7, quiet=True)
    same(by_cli, result.path)
    assert result.vectors.shape == (32, 32)
    np.testing.assert_allclose(np.linalg.norm(result.vectors, axis=1), 1, atol=1e-5)
    cli("embed", "--encoder", "run", "--data", data, "--out", "a.npy", "--layer", "layer1")
    vesalius.embed("run", str(data), out="b.npy", layer="layer1", quiet=True)
    assert np.array_equal(np.load("a.npy"), np.load("b.npy"))

    cli("report", "run", "--out", "one.html")
    assert vesalius.report("run", out="two.html") == Path("two.html")
    assert Path("one.html").read_text().replace("one.html", "") == Path("two.html").read_text().replace("two.html", "")
    cli("report", "run", result.path)
    assert vesalius.report(run.path) == run.path / "report.html"


def test_every_verb_has_the_fields_of_its_command() -> None:
    """But ``quiet``, which the command line does by redirection, what ``pretrain`` passes on to the recipe, a table in memory, and who is told."""
    for name in VERBS:
        verb, command = inspect.signature(getattr(vesalius, name)), inspect.signature(app[name].default_command)
        fields = {p for p in verb.parameters if p not in ("quiet", "changes", "images", "terminal")}
        assert fields == {p for p in command.parameters if p != "fields"}, name
        for field in fields:
            assert verb.parameters[field].default == command.parameters[field].default, (name, field)


def test_what_a_verb_returns(folder: Path) -> None:
    result = vesalius.pretrain(tiny(blobs(folder), examine=True, steps=2), out="run", quiet=True)
    assert result.path == Path("run")
    assert result.results == json.loads((result.path / "results.json").read_text())
    assert len(result.results["verdict"]) == 3
    encoder = result.encoder
    assert isinstance(encoder, torch.nn.Module)
    assert not encoder.training
    assert encoder(torch.rand(2, 1, 16, 16)).pooled.shape == (2, 32)
    (result.path / "report.html").unlink()
    assert result.report() == result.path / "report.html"
    assert (result.path / "report.html").is_file()
    assert repr(result) == "Pretrained('run')"
    shown = result._repr_html_()
    assert shown.count("<tr>") == 1 + len([p for p in result.results["probes"] if p["low"] is not None])
    assert "random init" in shown
    assert result.results["verdict"][0].split()[0] in shown


def test_a_result_without_results(tmp_path: Path) -> None:
    from vesalius.errors import UserError
    from vesalius.result import Result

    empty = Result(tmp_path)
    assert empty.results == {}
    assert empty._repr_html_() == f"<p><b>{tmp_path.name}</b> </p>"
    with pytest.raises(UserError, match="holds no encoder"):
        _ = empty.encoder
    (tmp_path / "results.json").write_text(json.dumps({"verdict": ["<b>1 < 2</b>"]}))
    assert "&lt;b&gt;1 &lt; 2&lt;/b&gt;" in empty._repr_html_()


def test_the_package_is_light(tmp_path: Path) -> None:
    """0.3 s with slack; and no heavy package is loaded until something is used."""
    code = "import sys, vesalius; dir(vesalius); print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    tries = []
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=True)
        tries.append(time.perf_counter() - began)
    assert min(tries) < 0.3 * 3, tries
    assert not {"torch", "numpy", "pandas", "timm", "pydantic", "yaml", "rich", "cyclopts"} & set(done.stdout.split())


def test_names_of_the_package() -> None:
    for name in vesalius.__all__:
        assert callable(getattr(vesalius, name)), name
        assert getattr(vesalius, name).__doc__
    assert set(VERBS) <= set(vesalius.__all__)
    importlib.import_module("vesalius.pretrain")  # a module of the verb's name does not take its place
    assert inspect.isfunction(vesalius.pretrain)
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        _ = vesalius.train
