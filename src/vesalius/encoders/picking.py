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

    ``nest``: the key under which the checkpoint has its tensors; empty where they are outermost. A file that holds the network's
    tensors under their plain names, as the SSL_medicalimaging project prepared them, is taken as it is. Raises UserError.
    """
    contents = read_contents(path)
    taken = {name.removeprefix(prefix): tensor for name, tensor in contents.tensors.items() if name.startswith(prefix)}
    plain = not contents.nest and any(name in contents.tensors for name in ("conv1.weight", "features.conv0.weight"))
    if plain:
        taken = dict(contents.tensors)
    elif not taken or contents.nest != ((nest,) if nest else ()):
        where = f"under {nest!r}" if nest else "at the outermost level"
        found = f"under {'.'.join(contents.nest)!r}" if contents.nest else "at the outermost level"
        raise UserError(
            f"{path.name} is not {model.file}, the file of {model.name}: tensors whose names begin with {prefix!r} should be {where}, and there are "
            f"{len(contents.tensors)} {found} ({some(list(contents.tensors))}). Give the file that {model.name} was published as."
        )
    return {name: tensor for name, tensor in taken.items() if not name.startswith(tuple(drop))}
