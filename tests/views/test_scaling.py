from __future__ import annotations

import pytest

from vesalius import views
from vesalius.views.recipe import known
from vesalius.views.scaling import PIXELS, at_size


def test_what_is_said_in_pixels_are_fields_of_operations() -> None:
    for name, fields in PIXELS.items():
        assert set(fields) <= set(known()[name].model_fields)


@pytest.mark.parametrize("name", ["simclr", "dino"])
def test_views_of_another_size_are_otherwise_the_same(name: str) -> None:
    made = views.load(name, 3)
    count, size = next(iter(made.makes.values()))
    found = at_size(made, [2 * side for side in size])
    assert next(iter(found.makes.values())) == (count, tuple(2 * side for side in size))
    assert [list(group.operations) for group in found.groups] == [list(group.operations) for group in made.groups]
