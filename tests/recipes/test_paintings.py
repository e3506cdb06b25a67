from __future__ import annotations

from vesalius import views
from vesalius.recipes.paintings import AUGMENT, encoded, kept_share, plain
from vesalius.views.recipe import known


def test_what_augments_are_operations_there_are() -> None:
    assert set(AUGMENT) <= set(known())


def test_nothing_that_augments_is_left_and_what_hides_stays() -> None:
    made = views.load("mae", 3)
    names = [name for group in plain(made).groups for name in group.operations]
    assert not {name.partition("-")[2] or name for name in names} & set(AUGMENT)
    assert kept_share(plain(made)) == kept_share(made) < 1
    assert plain(made).makes == made.makes


def test_views_are_counted_as_encoders_see_them() -> None:
    assert encoded(views.load("simclr", 3)) == 2
    assert kept_share(views.load("simclr", 3)) == 1
