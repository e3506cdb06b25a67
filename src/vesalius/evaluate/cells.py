"""What an evaluation computed, one file a cell: found again when the run goes on, whatever killed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from vesalius.evaluate.pairs.measured import Measured
from vesalius.files import atomic_write


class Cells:
    """Tensors below ``folder``, each with the key of everything it depends on. ``computed`` counts those that were not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.computed = 0

    def kept(self, name: str, key: str, make: Callable[[], Tensor]) -> Tensor:
        """The tensor ``name`` (``PROTOCOL/WHAT/CELL``), of any shape (n, ...): as it was written under ``key``, else made and written."""
        return self._kept(name, key, lambda: {"values": make()})["values"]

    def measured(self, name: str, key: str, make: Callable[[], Measured]) -> Measured:
        """The same for what a protocol found about a pair."""
        return Measured.of_tensors(self._kept(name, key, lambda: make().tensors()))

    def parts(self, name: str, key: str, make: Callable[[], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
        """The same for several tensors, each under its own name."""
        return self._kept(name, key, make)

    def _kept(self, name: str, key: str, make: Callable[[], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
        file = self.folder / f"{name}.safetensors"
        found = _read(file, key)
        if found is not None:
            return found
        from safetensors.torch import save

        made = {part: tensor.detach().cpu().contiguous() for part, tensor in make().items()}
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(file, save(made, {"key": key}))
        self.computed += 1
        return made


def _read(file: Path, key: str) -> Mapping[str, Tensor] | None:
    """The tensors of ``file`` where it is whole and of ``key``."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as cell:
            if (cell.metadata() or {}).get("key") != key:
                return None
            return {part: cell.get_tensor(part) for part in cell.keys()}  # noqa: SIM118
    except (SafetensorError, OSError):
        return None
