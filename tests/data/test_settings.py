from __future__ import annotations

import pytest

from vesalius.data.settings import StoreSettings, window_of
from vesalius.errors import UserError


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("none", "none"),
        ("file", "file"),
        ("percentiles", "percentiles"),
        ("40,400", (40.0, 400.0)),
        ([-600, 1500], (-600.0, 1500.0)),
        ((1, 2), (1.0, 2.0)),
    ],
)
def test_windows_as_they_are_written(said: object, meant: object) -> None:
    assert window_of(said) == meant


@pytest.mark.parametrize("said", ["lung", "40", "40,0", [40, -1], [1, 2, 3], 7, None, ""])
def test_what_is_no_window_is_explained(said: object) -> None:
    with pytest.raises(UserError, match=r"Give none, file, percentiles, or centre and width as in \[40, 400\]"):
        window_of(said)


def test_each_window_has_its_own_store_and_the_usual_one_the_old_name() -> None:
    keys = [StoreSettings(64, 1, window).key for window in ("file", "none", "percentiles", (40.0, 400.0), (40.0, 80.5))]
    assert keys == ["64-1", "64-1-none", "64-1-percentiles", "64-1-c40w400", "64-1-c40w80.5"]
