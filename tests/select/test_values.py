from __future__ import annotations

import numpy as np
import pytest

from vesalius.errors import UserError
from vesalius.select.values import Vectors


def test_embeddings_of_objects_are_not_those_of_images() -> None:
    vectors = np.zeros((2, 3))
    assert Vectors(vectors).whole("COVERAGE") is vectors
    with pytest.raises(UserError, match="COVERAGE works on the embeddings of whole images"):
        Vectors().whole("COVERAGE")
