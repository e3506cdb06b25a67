from __future__ import annotations

from vesalius.recipes.traced import Traced


class Made(Traced):
    """A recipe of one field."""

    epochs: int = 1


def test_what_says_a_field_is_no_part_of_its_value() -> None:
    made = Made(epochs=3).said_by({"epochs": "demo"})
    assert made.origins == {"epochs": "demo"}
    assert made.model_dump() == {"epochs": 3}
    assert Made.model_fields.keys() == {"epochs"}
    assert Made().origins == {}
