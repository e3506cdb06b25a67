"""A configuration that knows where each of its fields was said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import PrivateAttr

from vesalius.recipes.data_config import Frozen


class Traced(Frozen):
    """The whole of a recipe. What says a field is no part of its value: it is neither dumped nor asked for."""

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def origins(self) -> Mapping[str, str]:
        """By dotted name, the recipe or file that says a field, or that it was given with the command; defaults are absent."""
        return self._origins

    def said_by(self, origins: Mapping[str, str]) -> Self:
        """This configuration, its fields said by ``origins``."""
        self._origins = dict(origins)
        return self
