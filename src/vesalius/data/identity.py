"""Which number stands for a sample or a person: keyed 64-bit hashes, equal on every machine that holds the key.

An id is the hash of source, relative path, frame and box, so that adding or sorting files changes no other sample's
id and with it none of its random numbers. Public sources use the empty key: their ids are equal everywhere. Folders
and tables of a user are keyed by a secret that lies in ``VESALIUS_CACHE/key`` (mode 0600), so that nobody can test
from an id in a report whether a certain file or person was in the data.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.files import cache_folder

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the image."""

PUBLIC = b""
"""The key of public sources."""


def user_key() -> bytes:
    """The user's secret of 32 bytes, made at the first call; readable by this user alone."""
    path = cache_folder() / "key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"key.{os.getpid()}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(32))
        try:
            os.link(draft, path)  # unlike a rename, fails where another process was faster: one key for all
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


def _framed(part: str | int | bytes) -> bytes:
    data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape")
    return len(data).to_bytes(8, "little") + data


def sample_ids(
    source: str,
    uris: Sequence[str],
    frames: Iterable[int] | None = None,
    boxes: Iterable[Box | None] | None = None,
    key: bytes = PUBLIC,
) -> NDArray[np.uint64]:
    """``(N,)`` ids, each ``random.digest64("sample", key, source, uri, frame, box)``; about a million a second.

    ``box`` enters as ``"x,y,w,h"`` or, for a whole image, as the empty text.
    """
    start = blake2b(b"".join(_framed(part) for part in ("sample", key, source)), digest_size=8)
    whole = _framed("")
    out = bytearray()
    if frames is None and boxes is None:
        tail = _framed(0) + whole
        copy, lengths = start.copy, [n.to_bytes(8, "little") for n in range(1024)]
        for uri in uris:
            state, data = copy(), uri.encode("utf-8", "surrogateescape")
            n = len(data)
            state.update((lengths[n] if n < 1024 else n.to_bytes(8, "little")) + data + tail)
            out += state.digest()
    else:
        all_frames = [0] * len(uris) if frames is None else frames
        all_boxes = [None] * len(uris) if boxes is None else boxes
        for uri, frame, box in zip(uris, all_frames, all_boxes, strict=True):
            state = start.copy()
            place = whole if box is None else _framed(",".join(str(int(side)) for side in box))
            state.update(_framed(uri) + _framed(int(frame)) + place)
            out += state.digest()
    return np.frombuffer(bytes(out), "<u8").astype(np.uint64)


def subject_name(original: str, key: bytes) -> str:
    """The 16 hexadecimal digits that stand for a person: the same name in two tables of a user, the same digits."""
    digest = blake2b(b"".join(_framed(part) for part in ("subject", key, original)), digest_size=8).digest()
    return f"{int.from_bytes(digest, 'little'):016x}"


def inside(path: Path, root: Path) -> str:
    """``path`` as a uri: relative to ``root`` with forward slashes where it lies inside, else as it is."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
