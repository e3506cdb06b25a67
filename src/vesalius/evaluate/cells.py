"""What an evaluation computed, one file a cell: found again when the run goes on, whatever killed it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from vesalius.files import atomic_write


class Cells:
    """Tensors below ``folder``, each with the key of everything it depends on. ``computed`` counts those that were not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.computed = 0

    def kept(self, name: str, key: str, make: Callable[[], Tensor]) -> Tensor:
        """The tensor ``name`` (``PROTOCOL/WHAT/CELL``): as it was written under ``key``, else made and written."""
        file = self.folder / f"{name}.safetensors"
        found = _read(file, key)
        if found is not None:
            return found
        from safetensors.torch import save

        made = make().detach().cpu().contiguous()
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(file, save({"values": made}, {"key": key}))
        self.computed += 1
        return made


def _read(file: Path, key: str) -> Tensor | None:
    """The tensor of ``file`` where it is whole and of ``key``."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as cell:
            if (cell.metadata() or {}).get("key") != key:
                return None
            values: Tensor = cell.get_tensor("values")
            return values
    except (SafetensorError, OSError):
        return None
