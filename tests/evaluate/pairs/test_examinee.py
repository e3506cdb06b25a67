"""Names of what is examined, and what its features depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vesalius.encoders import build_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.evaluate.pairs.examinee import EncoderExaminee, Examinee, free, slug
from vesalius.evaluate.pairs.shelf import Shelf


def encoder(seed: int, size: int = 16) -> Encoder:
    return build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(size, size), seed=seed)


def examined(seed: int, size: int = 16, **more: Any) -> EncoderExaminee:
    return EncoderExaminee("one", "runs/one", lambda: encoder(seed, size), Shelf(), **more)


@pytest.mark.parametrize(
    ("reference", "name"),
    [("runs/first", "first"), ("runs/first/", "first"), ("timm:vit_tiny", "timm-vit_tiny"), ("größe 1.pth", "größe-1.pth"), ("//", "encoder")],
)
def test_a_reference_becomes_a_name_for_folders(reference: str, name: str) -> None:
    assert slug(reference) == name


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert free("a", ()) == "a"
    assert free("a", ["a"]) == "a-2"
    assert free("a", ["a", "a-2", "b"]) == "a-3"


def test_the_key_is_weights_and_preparation() -> None:
    one = examined(1)
    assert one.key == examined(1, baseline=True).key
    assert len({one.key, examined(2).key, examined(1, size=32).key}) == 3
    assert one.card.weights == one.hash
    assert one.facts()["weights"] == one.hash
    assert (one.facts()["dim"], one.facts()["size"], one.facts()["baseline"]) == (one.card.dim, [16, 16], False)


def test_it_is_loaded_again_where_the_shelf_let_it_go(tmp_path: Path) -> None:
    loaded: list[int] = []

    def load() -> Encoder:
        loaded.append(1)
        return encoder(1)

    one = EncoderExaminee("one", "", load, Shelf())
    assert one.encoder is one.encoder
    assert len(loaded) == 1


def test_what_has_no_maps_says_so() -> None:
    class Words(Examinee):
        name, baseline, key = "words", True, "w"

        def features(self, *_: Any) -> Any:
            return None

        def facts(self) -> dict[str, Any]:
            return {}

    with pytest.raises(UserError, match=r"words has no feature maps\. Leave it out"):
        Words().maps(None, None, None)  # type: ignore[arg-type]
