from __future__ import annotations

import pytest

from vesalius.recipes import announcing


@pytest.mark.parametrize(("count", "said"), [(3 * 2**30, "3.0 GiB"), (700 * 2**20, "700 MiB"), (2**30, "1.0 GiB")])
def test_memory_is_said_in_the_unit_that_a_machine_is_bought_by(count: int, said: str) -> None:
    assert announcing._bytes(count) == said
