from __future__ import annotations

import pytest

from vesalius.errors import UserError
from vesalius.recipes.config import Named
from vesalius.recipes.tracking import check_trackers, entries


def test_a_tracker_is_handed_on_with_its_fields() -> None:
    asked = [Named(name="tensorboard"), Named.model_validate({"name": "mlflow", "experiment": "x"})]
    check_trackers(asked)
    assert entries(asked) == [{"name": "tensorboard"}, {"name": "mlflow", "experiment": "x"}]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([Named(name="tensorbord")], "tensorboard"),
        ([Named(name="tensorboard")] * 2, "twice"),
        ([Named.model_validate({"name": "mlflow", "experimnt": "x"})], "experiment"),
    ],
)
def test_what_is_not_known_or_named_twice_is_refused(asked: list[Named], said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_trackers(asked)
