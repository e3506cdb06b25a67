"""What is asked for, read: objectives, their pairs, and how many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from vesalius.errors import UserError
from vesalius.select.candidates import Candidates
from vesalius.select.selection import SelectionConfig, built, needs_vectors, parts, wanted

DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
CHANCE = {"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}


def _config(*objectives: Any, **fields: Any) -> SelectionConfig:
    return SelectionConfig(**({"n_samples": 2} | fields), strategies=list(objectives) or [DIVERSITY])


def test_exactly_one_number() -> None:
    for fields in ({"n_samples": None}, {"n_samples": 2, "proportion_samples": 0.5}):
        with pytest.raises(ValidationError, match="exactly one"):
            _config(**fields)


@pytest.mark.parametrize(("fields", "n"), [({"n_samples": 3}, 3), ({"n_samples": None, "proportion_samples": 0.5}, 2)])
def test_a_number_or_a_share_of_all(fields: dict[str, Any], n: int) -> None:
    assert wanted(_config(**fields), Candidates.of(["a", "b", "c", "d"])) == n


def test_more_than_there_are_none_at_all_and_an_empty_pool_are_said() -> None:
    with pytest.raises(UserError, match="5 images are asked for, and there are 3 to choose from, 1 of 4 being chosen already"):
        wanted(_config(n_samples=5), Candidates.of(["a", "b", "c", "d"], chosen=[0]))
    with pytest.raises(UserError, match="is none"):
        wanted(_config(n_samples=None, proportion_samples=0.01), Candidates.of(["a", "b"]))
    with pytest.raises(UserError, match="no image to choose"):
        wanted(_config(), Candidates.of([]))


def test_titles_tell_objectives_apart() -> None:
    titles = [part.title for part in parts(_config(DIVERSITY, DIVERSITY, CHANCE))]
    assert titles == ["diversity", "diversity (2)", "weights of random"]


def test_types_and_fields_nobody_knows_are_said_with_the_nearest() -> None:
    wrong = [
        ({"input": {"type": "EMBEDINGS"}, "strategy": {"type": "DIVERSITY"}}, "embeddings"),
        ({"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSTY"}}, "diversity"),
        ({"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY", "strenght": 2}}, "strength"),
        ({"input": {}, "strategy": {"type": "DIVERSITY"}}, "type"),
        ({"input": {"type": "RANDOM"}, "strategy": {"type": "DIVERSITY"}}, "EMBEDDINGS"),
    ]
    for objective, word in wrong:
        with pytest.raises(UserError, match=word):
            parts(_config(objective))


def test_only_embeddings_need_vectors() -> None:
    assert needs_vectors(_config(DIVERSITY, CHANCE))
    assert not needs_vectors(_config(CHANCE))


def test_strengths_are_the_strategies() -> None:
    candidates = Candidates.of(["a", "b", "c"], np.eye(3, dtype=np.float32))
    made = built(_config(DIVERSITY, {**CHANCE, "strategy": {"type": "WEIGHTS", "strength": -2}}), candidates)
    assert [one.strength for one in made] == [1.0, -2.0]
