"""The original's tree and logs, of results and files as the protocols leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from vesalius.evaluate.compat import write_logs, write_tree

MODEL = "moco-v2"


def results() -> dict[str, Any]:
    cell = {"encoder": MODEL, "value": 0.5}
    return {
        "encoders": [{"name": MODEL, "baseline": False}, {"name": "random init", "baseline": True}],
        "saliency": {
            "cells": [
                {**cell, "data": "chexpert", "metric": "attentive_diffusion", "value": 48.6412},
                {**cell, "data": "bach", "metric": "attentive_diffusion", "value": 30.0},
                {**cell, "data": "bach", "metric": "attentive_diffusion", "encoder": "random init"},
            ],
            "pictures": [
                {"encoder": MODEL, "data": data, "id": one, "heat": f"saliency/{data}{one}.heat.png", "overlay": f"saliency/{data}{one}.png"}
                for data, one in (("chexpert", "0a"), ("bach", "0b"), ("bach", "0c"))
            ],
        },
        "invariance": {
            "cells": [
                {**cell, "data": "chexpert", "metric": metric, "value": value}
                for metric, value in (("whitened_cosine", 0.2), ("mahalanobis", 1.0), ("whitened_cosine@rotation", 0.25), ("mahalanobis@rotation", 41.5))
            ],
            "chosen": [{"encoder": MODEL, "data": "chexpert", "files": ["invariance/mean_feature.safetensors", "invariance/feature_cov_matrix.safetensors"]}],
        },
        "multiview_invariance": {
            "cells": [{**cell, "data": "eyepacs", "metric": metric, "value": value} for metric, value in (("whitened_cosine", 0.241), ("mahalanobis", 7.0))],
        },
        "reconstruction": {"pictures": [{"encoder": MODEL, "data": "chexpert", "id": "0a", "image": "reconstruction/0a.png"}]},
        "perceptual_distance": {"tables": ["perceptual-distance/alexnet.csv"]},
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for name in ("saliency", "reconstruction", "perceptual-distance", "invariance"):
        (tmp_path / name).mkdir()
    for row in results()["saliency"]["pictures"]:
        (tmp_path / row["heat"]).write_bytes(f"heat {row['id']}".encode())
        (tmp_path / row["overlay"]).write_bytes(b"overlay")
    (tmp_path / "reconstruction" / "0a.png").write_bytes(b"reconstructed")
    (tmp_path / "perceptual-distance" / "alexnet.csv").write_text("model,chexpert\nmoco-v2,0.5\n")
    save_file({"values": torch.arange(3.0)}, tmp_path / "invariance" / "mean_feature.safetensors")
    save_file({"values": torch.eye(3, dtype=torch.float64)}, tmp_path / "invariance" / "feature_cov_matrix.safetensors")
    return tmp_path


def test_files_lie_where_the_original_had_them(run: Path) -> None:
    written = {file.relative_to(run).as_posix() for file in write_tree(run, results())}
    assert written == {
        *(f"saliency_maps/{MODEL}/chexpert/{name}.png" for name in ("heatmap", "superimposed")),
        *(f"saliency_maps/{MODEL}/bach/{one}-{name}.png" for one in ("0b", "0c") for name in ("heatmap", "superimposed")),
        f"reconstructed_images/{MODEL}/{MODEL}_True_0a.png",
        "results/perceptual-distance/alexnet.csv",
        *(f"misc/invariances/covmatrices/{MODEL}_chexpert_{name}.pth" for name in ("mean_feature", "feature_cov_matrix")),
    }
    assert (run / f"saliency_maps/{MODEL}/bach/0c-heatmap.png").read_bytes() == b"heat 0c"
    read = torch.load(run / f"misc/invariances/covmatrices/{MODEL}_chexpert_feature_cov_matrix.pth", weights_only=True)
    assert torch.equal(read, torch.eye(3, dtype=torch.float64))


def test_logs_end_as_the_originals(run: Path) -> None:
    fields = {"saliency": {"window": 10}, "invariance": {"transform": ["rotation"], "probes": 100}}
    logs = {file.relative_to(run / "logs").as_posix(): file.read_text().splitlines() for file in write_logs(run, results(), fields)}
    assert set(logs) == {"saliency/moco-v2.log", "invariances/moco-v2/rotation/chexpert.log", "invariances/moco-v2/multi_view/diabetic_retinopathy.log"}
    assert logs["saliency/moco-v2.log"] == [
        "INFO:root:Namespace(datasets=['chexpert', 'bach'], model='moco-v2', window=10)",
        "INFO:root:Attentive diffusion on dataset chexpert with model moco-v2: 48.64%",
        "INFO:root:Attentive diffusion on dataset bach with model moco-v2: 30.00%",
    ]
    assert logs["invariances/moco-v2/rotation/chexpert.log"] == [
        "INFO:root:Namespace(dataset='chexpert', model='moco-v2', transform='rotation', probes=100)",
        "INFO:root:Computing covariance matrix for moco-v2 on dataset chexpert",
        "INFO:root:moco-v2 on rotation with dataset chexpert:",
        "INFO:root:\t distance 41.500000 and similarity 0.250000",
    ]
    assert logs["invariances/moco-v2/multi_view/diabetic_retinopathy.log"][-1] == "INFO:root:\t distance 7.000000 and similarity 0.241000"
