"""The encoder's tensors out of a published checkpoint of torch, by the prefix their names have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from vesalius.encoders.layouts import read_contents
from vesalius.encoders.loaded import some
from vesalius.encoders.published import Published
from vesalius.errors import UserError


def picked(path: Path, model: Published, *, nest: str, prefix: str, drop: Sequence[str] = ()) -> dict[str, Tensor]:
    """What in ``path`` begins with ``prefix``, without it; names that then begin with one of ``drop`` are heads and left out.

    ``nest``: the key under which the checkpoint has its tensors; empty where they are outermost. Raises UserError.
    """
    contents = read_contents(path)
    taken = {name.removeprefix(prefix): tensor for name, tensor in contents.tensors.items() if name.startswith(prefix)}
    if not taken or contents.nest != ((nest,) if nest else ()):
        where = f"under {nest!r}" if nest else "at the outermost level"
        found = f"under {'.'.join(contents.nest)!r}" if contents.nest else "at the outermost level"
        wanted = f"tensors {where}" + (f" whose names begin with {prefix!r}" if prefix else "")
        raise UserError(
            f"{path.name} is not the file of {model.name}: that has {wanted}; this one has {len(contents.tensors)} tensors {found} "
            f"({some(list(contents.tensors))}). Give {model.file}, as it was published."
        )
    return {name: tensor for name, tensor in taken.items() if not name.startswith(tuple(drop))}
