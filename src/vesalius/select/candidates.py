"""Among what is chosen: the images by name, with their vectors, and those that count as chosen already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.terminal import Terminal

if TYPE_CHECKING:
    import pandas as pd

    from vesalius.data.table import SampleTable

T = TypeVar("T")


@dataclass(frozen=True)
class Objects:
    """Parts of images, as boxes or tiles. ``vectors`` (M, D) of the parts, ``owner`` (M,) the image of each, as a row of the candidates."""

    vectors: NDArray[Any]
    owner: NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """``names`` (N,), sorted, of what may be chosen: what is decided by them does not depend on the order of files.

    ``vectors``: (N, D) float32 or float16, maybe memory-mapped, as long as the caller left them (of unit length where that was asked
    for). ``objects``: parts of the images, by task. ``chosen``: rows that count as chosen already. ``allowed`` (N,): rows that may be chosen.
    ``frame``: what the table knows of each row; ``table``: the data themselves, where there are any, which may lack rows of ``frame``.
    ``root``: the folder that names are relative to. ``seed``: of whatever is drawn.
    """

    names: NDArray[np.str_]
    vectors: NDArray[Any] | None = None
    objects: Mapping[str, Objects] = field(default_factory=dict)
    chosen: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    allowed: NDArray[np.bool_] | None = None
    frame: pd.DataFrame | None = None
    root: str = ""
    seed: int = 0
    terminal: Terminal = field(default_factory=lambda: Terminal(quiet=True))
    table: SampleTable | None = None
    _once: dict[tuple[str, ...], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.names) > 1 and not (self.names[:-1] < self.names[1:]).all():
            raise ValueError("names must be sorted and each there once; use Candidates.of")
        if self.vectors is not None and len(self.vectors) != len(self.names):
            raise UserError(
                f"There are {len(self.vectors):,} vectors for {len(self.names):,} images. Give one vector for each image, or name the images that have one."
            )

    @classmethod
    def of(cls, names: Sequence[str] | NDArray[np.str_], vectors: NDArray[Any] | None = None, *, chosen: Sequence[int] = (), **rest: Any) -> Candidates:
        """Candidates in whatever order; ``chosen`` are positions in the given order. Vectors are copied into order where they are not in it."""
        order = np.argsort(np.asarray(names, dtype=np.str_), kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        sorted_already = bool((order == np.arange(len(order))).all())
        ordered = vectors if vectors is None or sorted_already else vectors[order]
        return cls(np.asarray(names, dtype=np.str_)[order], ordered, chosen=place[np.asarray(chosen, np.int64)], **rest)

    def __len__(self) -> int:
        return len(self.names)

    def once(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        """What ``make`` gives, made when ``key`` is first asked for: several objectives may look at the same files."""
        if key not in self._once:
            self._once[key] = make()
        found: T = self._once[key]
        return found

    @property
    def free(self) -> NDArray[np.bool_]:
        """``(N,)``: allowed and not chosen already."""
        free = np.ones(len(self), bool) if self.allowed is None else self.allowed.copy()
        free[self.chosen] = False
        return free

    def embedded(self) -> NDArray[Any]:
        """``vectors``. Raises UserError where there are none."""
        if self.vectors is None:
            raise UserError("This strategy works on embeddings, and there are none. Give an encoder (--encoder) or a file of embeddings.")
        return self.vectors
