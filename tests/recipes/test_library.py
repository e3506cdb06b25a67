"""Every shipped recipe runs: two steps on a small stand-in for its data, with a smaller network of the same kind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.methods.cases import case
from tests.recipes.tiny import blobs, images
from vesalius.errors import UserError
from vesalius.pretrain import pretrain
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.shipped import names


def smaller(name: str) -> dict[str, Any]:
    """What makes the recipe's network and heads small. A network of tokens stays one, of the same patches, without weights."""
    config = load_pretrain(name)[0]
    method = config.method.name
    fields = {f"method.{key}": value for key, value in case(method).fields.items()}
    if str(case(method).encoder["name"]).startswith("timm:vit"):
        fields |= {"encoder.weights": None} if "weights" in config.encoder.fields else {}
        return {**fields, "encoder.depth": 1, "encoder.embed_dim": 32, "encoder.num_heads": 2}
    return {**fields, "encoder": {"name": "resnet18", "width": 0.0625}}


def test_compat_is_of_the_originals_methods_alone() -> None:
    with pytest.raises(UserError, match=r"had simclr and byol, and this recipe's method is mae"):
        load_pretrain("cifar10-mae", {"compat": "innereye"})


@pytest.mark.parametrize("compat", ["none", "innereye"])
@pytest.mark.parametrize("name", names())
def test_a_shipped_recipe_runs(name: str, compat: str, tmp_path: Path) -> None:
    method = load_pretrain(name)[0].method.name
    if compat != "none" and (name == "demo" or method not in ("simclr", "byol")):
        return  # the original has no such data, or no such method
    if name == "demo":
        data = str(blobs(tmp_path))
    else:
        for number, kind in enumerate("abc"):
            images(tmp_path / "set" / kind, 12, seed=number)
        data = str(tmp_path / "set")
    run = pretrain(
        name,
        out=tmp_path / "run",
        quiet=True,
        steps=2,
        batch_size=8,
        examine=False,
        device="cpu",
        precision="fp32",
        threads=1,
        compat=compat,
        **{"data.train": data, "data.monitor": data, "data.task": None, **smaller(name)},
    )
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if row["kind"] == "train"]
    assert len(losses) == 2
    assert all(math.isfinite(loss) for loss in losses)
    assert any(key.startswith("monitor/linear/") for row in rows for key in row)
    facts = json.loads((run.path / "run.json").read_text())
    assert facts["state"] == "done"
    assert method in facts["name"] or name == "demo"
    if compat == "innereye":
        assert run.results["warnings"][0].startswith("Made with compat: innereye")
    assert run.encoder.card.dim == 32
