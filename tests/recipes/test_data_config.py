from __future__ import annotations

import pytest
from pydantic import ValidationError

from vesalius.recipes.data_config import ImagesConfig, SplitConfig


def test_unknown_keys_are_refused_and_nothing_changes_afterwards() -> None:
    made = ImagesConfig(train="images")
    with pytest.raises(ValidationError):
        ImagesConfig.model_validate({"train": "images", "chanels": 3})
    with pytest.raises(ValidationError):
        made.train = "others"  # type: ignore[misc]


@pytest.mark.parametrize("given", [{"val": 0}, {"val": 1}, {"test": -0.1}, {"by": "folder"}])
def test_shares_lie_between_none_and_all(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SplitConfig.model_validate(given)
    assert SplitConfig(test=0).test == 0
