"""Torch checkpoints of either format: what they hold as data, and the tensors that somebody wants of it."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from vesalius.data.unpickle import Refused, interpret
from vesalius.encoders.torch_pickle import Held, Machine, Stored

_MAGIC = 0x1950A86A20F9469CFC6C
"""How a checkpoint of torch before 1.6 begins: a pickle of this number, then of the version, the machine, the content."""

_BEGINNING = b"\x80\x02\x8a\x0a" + _MAGIC.to_bytes(10, "little")


def is_torch(path: Path) -> bool:
    """Whether ``path`` begins as a checkpoint of torch of either format does."""
    with open(path, "rb") as file:
        first = file.read(len(_BEGINNING))
    if first == _BEGINNING:
        return True
    if not first.startswith(b"PK\x03\x04") or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name == "data.pkl" or name.endswith("/data.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


class TorchFile:
    """``content``: the object that was saved, its tensors as ``Held``; ``tensors`` reads some of them.

    A pickle that is not torch's is read as well, for the sake of the arrays in it; then ``plain`` is True.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plain = False
        self._places: dict[str, tuple[int, int]] = {}
        with open(path, "rb") as file:
            zipped = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            self.content: Any = self._open_archive(file) if zipped else self._open_old(file)

    def tensors(self, named: Mapping[str, Held]) -> dict[str, Tensor]:
        """The tensors under their names, each a copy of its own. Raises Refused where the file is too short."""
        storages: dict[str, Tensor] = {}
        found = {}
        with open(self.path, "rb") as file:
            for name, held in named.items():
                if held.storage.key not in storages:
                    storages[held.storage.key] = self._read(file, held.storage)
                values = storages[held.storage.key].view(held.dtype)
                found[name] = values.as_strided(held.shape, held.stride, held.offset).clone()
        return found

    def _read(self, file: BinaryIO, stored: Stored) -> Tensor:
        place = self._places.get(stored.key)
        length = stored.count * stored.dtype.itemsize
        if place is None or place[1] < length:
            raise Refused(f"is cut short: the values of storage {stored.key} are not in it")
        file.seek(place[0])
        raw = bytearray(file.read(length))
        if len(raw) < length:
            raise Refused("is cut short")
        return torch.frombuffer(raw, dtype=torch.uint8) if length else torch.empty(0, dtype=torch.uint8)

    def _open_archive(self, file: BinaryIO) -> Any:
        """Since torch 1.6: a zip of ``data.pkl`` and one member per storage, none of them compressed."""
        with zipfile.ZipFile(file) as archive:
            members = {info.filename: info for info in archive.infolist()}
            main = next((name for name in members if name.endswith("/data.pkl") or name == "data.pkl"), None)
            if main is None:
                raise Refused("is a zip archive, but not one of torch")
            folder = main.removesuffix("data.pkl")
            if f"{folder}constants.pkl" in members:
                raise Refused("is a TorchScript program; save the state_dict() of the model it was made from")
            if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
                raise Refused("is compressed, which torch never writes")
            order = f"{folder}byteorder"
            if order in members and archive.read(order) != b"little":
                raise Refused("holds values in big-endian order")
            for name, info in members.items():
                if name.startswith(f"{folder}data/"):
                    self._places[name.removeprefix(f"{folder}data/")] = (_start(file, info), info.file_size)
            return interpret(archive.read(main), Machine())

    def _open_old(self, file: BinaryIO) -> Any:
        """Before torch 1.6: pickles one after the other, then the storages, each after its number of values."""
        first = interpret(file, Machine())
        if first != _MAGIC:
            self.plain = True
            return first
        interpret(file)
        interpret(file)
        machine = _Recording()
        content = interpret(file, machine)
        for key in interpret(file):
            stored = machine.storages.get(str(key))
            if stored is None:
                raise Refused("holds storages that nothing refers to")
            count = struct.unpack("<q", file.read(8))[0]
            length = stored.dtype.itemsize * count
            self._places[stored.key] = (file.tell(), length)
            file.seek(length, 1)
        return content


class _Recording(Machine):
    """Remembers the storages it meets, whose types an old file says nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.storages: dict[str, Stored] = {}

    def step(self, name: str, argument: Any) -> None:
        super().step(name, argument)
        if name == "BINPERSID" and isinstance(self.stack[-1], Stored):
            self.storages[self.stack[-1].key] = self.stack[-1]


def _start(file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: behind a header of its own, whose lengths the directory does not know."""
    file.seek(info.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    return int(info.header_offset + 30 + name + extra)
