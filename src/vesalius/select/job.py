"""From what was said, in whatever form, to the one configuration of a job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.recipes.checking import check
from vesalius.select.config import SelectConfig
from vesalius.select.short_form import amount, objective


def read(source: str | Path | Mapping[str, Any] | None, fields: Mapping[str, Any]) -> tuple[SelectConfig, list[str]]:
    """What ``configured`` promises."""
    given = {} if source is None else dict(source) if isinstance(source, Mapping) else yaml12.read(Path(source))
    given |= {key: value for key, value in fields.items() if value is not None}
    n, strategies = given.pop("n", None), given.pop("strategy", None)
    if "selection" not in given:
        if n is None:
            raise UserError("Nothing says how many images to select: give --n 50, or --n 10% of them.")
        listed = ["diversity"] if strategies is None else [strategies] if isinstance(strategies, str) else list(strategies)
        given["selection"] = {**amount(n), "strategies": [objective(one) for one in listed]}
    return check(SelectConfig, given, "the job"), []
