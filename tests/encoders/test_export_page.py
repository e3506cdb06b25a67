from __future__ import annotations

import json

from vesalius.encoders import Card
from vesalius.encoders.agreement import Agreement
from vesalius.encoders.export_page import facts, readme
from vesalius.encoders.exported import Exported

CARD = Card(
    architecture="resnet18", options={"stem": "small"}, dim=512, channels=1, size=(28, 28), mean=(0.5,), std=(0.25,),
    preprocessing=[{"resize": {"shorter": 28}}, {"centre_crop": {}}], weights="ab", trained_on="demo, simclr",
    licence="MIT", notes=["a note"],
)  # fmt: skip
WRITTEN = Exported("model.pth", "resnet18", "torchvision", ("import torch", "features = 1"), inside=False, load={"keywords": {"size": (1, 2)}})
FOUND = Agreement(2e-6, 1e-6, 2.0, ("pooled",))


def test_facts_are_json() -> None:
    found = facts("torchvision", CARD, WRITTEN)
    assert found == json.loads(json.dumps(found))
    assert found["load"] == {"keywords": {"size": [1, 2]}}
    assert found["input"] == {
        "channels": 1, "size": [28, 28], "preprocessing": [{"resize": {"shorter": 28}}, {"centre_crop": {}}],
        "mean": [0.5], "std": [0.25], "range": [0, 1], "standardised_inside": False,
    }  # fmt: skip
    assert {"torch", "torchvision", "vesalius"} == set(found["versions"])


def test_the_page_says_what_a_stranger_needs() -> None:
    text = readme(CARD, WRITTEN, FOUND)
    for words in (
        "```python\nimport torch\nfeatures = 1\n```", "`(B, 1, 28, 28)`", "1 channel, 28×28 pixels", "resize (shorter 28); centre crop",
        "**yours to do**: mean [0.5] is subtracted from each channel, then it is divided by [0.25]",
        "Trained on: demo, simclr.", "Licence: MIT.", "- a note.", "`ab`", "Loaded again by torchvision", "is 2.0e-06", "(1.0e-06 of it",
    ):  # fmt: skip
        assert words in text, words
    assert text.startswith("# resnet18")


def test_where_standardisation_is_done() -> None:
    inside = Exported("encoder.onnx", "resnet18", "torchvision", (), inside=True, front="---\na: b\n---\n")
    assert "**inside**: mean [0.5]" in readme(CARD, inside, FOUND)
    assert readme(CARD, inside, FOUND).startswith("---\na: b\n---\n\n# resnet18")
    plain = CARD.model_copy(update={"mean": (), "std": (), "licence": ""})
    assert "Standardisation: none." in readme(plain, WRITTEN, FOUND)
    assert "not stated; say under which one" in readme(plain, WRITTEN, FOUND)
