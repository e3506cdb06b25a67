"""Every shipped recipe runs: two steps on a small stand-in for its data, with a smaller network of the same kind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.methods.cases import case
from tests.recipes.tiny import blobs, images
from tests.volumes import write_tree
from vesalius import views
from vesalius.errors import UserError
from vesalius.pretrain import pretrain
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.shipped import names


def smaller(name: str) -> dict[str, Any]:
    """What makes the recipe's network and heads small. A network of tokens stays one, of the same patches, without weights."""
    config = load_pretrain(name)[0]
    method = config.method.name
    fields = {f"method.{key}": value for key, value in case(method).fields.items()}
    if config.encoder.name == "monai:vit":
        return {**fields, "encoder.hidden_size": 32, "encoder.mlp_dim": 48, "encoder.num_layers": 1, "encoder.num_heads": 2}
    if config.encoder.name == "monai:segresnet":
        return {**fields, "encoder.init_filters": 8, "encoder.blocks_down": [1, 1, 1]}
    if str(case(method).encoder["name"]).startswith("timm:vit"):
        fields |= {"encoder.weights": None} if "weights" in config.encoder.fields else {}
        return {**fields, "encoder.depth": 1, "encoder.embed_dim": 32, "encoder.num_heads": 2}
    return {**fields, "encoder": {"name": "resnet18", "width": 0.0625}}


def test_compat_is_of_the_originals_methods_alone() -> None:
    with pytest.raises(UserError, match=r"had simclr and byol, and this recipe's method is mae"):
        load_pretrain("cifar10-mae", {"compat": "innereye"})


IMAGES = [name for name in names() if views.load(load_pretrain(name)[0].views, 1 if "monai" in load_pretrain(name)[0].encoder.name else 3).dims == 2]
VOLUMES = [name for name in names() if name not in IMAGES]


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("heads"), 6, side=(40, 40, 34), labels=False)


@pytest.mark.parametrize(("name", "compat"), [*((name, "none") for name in VOLUMES), ("tcia-restoration", "monai-tutorial")])
def test_a_shipped_recipe_of_volumes_runs(name: str, compat: str, heads: Path, tmp_path: Path) -> None:
    run = pretrain(
        name, out=tmp_path / "run", quiet=True, steps=2, batch_size=4, device="cpu", precision="fp32", threads=1, compat=compat,
        **{"data.train": f"volumes@{heads}", "data.plan": {"patch": [32, 32, 32]}, **smaller(name)},
    )  # fmt: skip
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if row["kind"] == "train"]
    assert len(losses) == 2
    assert all(math.isfinite(loss) for loss in losses)
    painted = any("monitor/reconstruction/l1" in row for row in rows)
    assert painted == (run.path / "figures" / "reconstruction-planes.png").is_file() == (load_pretrain(name)[0].method.name in ("mae", "restoration"))
    assert run.encoder.card.size == (32, 32, 32)
    assert run.encoder.card.plan is not None
    assert run.encoder.card.plan.patch == (32, 32, 32)
    if compat != "none":
        assert run.encoder.card.plan.orientation == "native"


@pytest.mark.parametrize("compat", ["none", "innereye"])
@pytest.mark.parametrize("name", IMAGES)
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
        batch_size=4,
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
