"""Whether label volumes can be learnt from: every value has a class, and every class is somewhere in the training part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vesalius.data.dataset import DataSet
from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.errors import UserError

_SHOWN = 8


def check_labels(data: DataSet, train: NDArray[np.int64]) -> list[str]:
    """What to say of the label volumes of ``data``, whose records ``train`` (n,) are learnt from; mostly nothing.

    Raises UserError for values that no class has, in any record, and where no training record holds a label but 0.
    """
    store, classes = data.store, data.table.require_task().classes
    assert isinstance(store, VolumeStore)
    held = [{value for value, (count, _) in (store.facts(row).labels or {}).items() if count} for row in range(len(store))]
    last = len(classes) - 1
    if beyond := [row for row, values in enumerate(held) if max(values, default=0) > last]:
        values = sorted({value for row in beyond for value in held[row] if value > last})
        shown = ", ".join(map(str, values[:_SHOWN])) + (", ..." if len(values) > _SHOWN else "")
        raise UserError(
            f"{len(beyond):,} of {len(store):,} label volumes of {data.name} hold values that no class has: {shown}. The classes are 0 to {last} "
            f"({', '.join(classes[:_SHOWN])}{', ...' if len(classes) > _SHOWN else ''}). Name every value, in the list's labels or with "
            "--data.classes, or renumber them; `vesalius data check` names the files."
        )
    learnt = set().union(*(held[row] for row in train))
    if not learnt:
        raise UserError(
            f"No training volume of {data.name} holds a label but 0, the background: there is nothing to learn. See that the list names the "
            "right label files; `vesalius data check` says which values each part has."
        )
    missing = [name for value, name in enumerate(classes) if value and value not in learnt]
    return [f"No training volume holds {', '.join(missing[:_SHOWN])}: this cannot be learnt."] if missing else []
