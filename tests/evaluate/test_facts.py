from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from vesalius.data.subjects import UNKNOWN
from vesalius.evaluate import facts


def test_only_what_every_result_must_be_read_with_is_a_caveat() -> None:
    data: Any = SimpleNamespace(public="bach", table=SimpleNamespace(warnings=["Some files are small.", f"{UNKNOWN} here."]))
    caveats = getattr(facts.caveats, "__wrapped__", facts.caveats)
    assert caveats(data) == [f"Of bach: {UNKNOWN} here."]
