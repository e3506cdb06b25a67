from __future__ import annotations

import pytest

from vesalius.errors import UserError
from vesalius.recipes.segmentation.compat import changes, sentences
from vesalius.recipes.segmentation.config import SegmentationConfig


def test_what_is_changed_are_fields_and_is_said() -> None:
    found = changes("monai-tutorial")
    assert found.keys() <= SegmentationConfig.model_fields.keys()
    assert all(text.startswith("compat monai-tutorial") for text in sentences("monai-tutorial"))
    found.clear()
    assert changes("monai-tutorial")


def test_another_word_is_refused_and_says_nothing() -> None:
    assert sentences("none") == []
    with pytest.raises(UserError, match="monai-tutorial"):
        changes("innereye")
