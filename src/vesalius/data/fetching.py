"""Files behind an address, fetched ahead of the decoders: many at once, in the order they are wanted, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from vesalius.files import AT_ONCE, Objects

Read = Callable[[], bytes]
"""Gives a file's bytes, or raises what kept them away."""

T = TypeVar("T")

_HELD_BYTES = 256 << 20  # of files that were fetched and wait to be decoded


def ahead(objects: Objects, wanted: Iterable[tuple[T, str, int]], threads: int = AT_ONCE) -> Iterator[tuple[T, Read]]:
    """Each of ``wanted`` (anything, its file's uri, the file's size) with what gives the file's bytes, in order.

    Each file is fetched once, up to ``2 * threads`` of them and ``_HELD_BYTES`` ahead. Threads only wait, so there are
    more of them than cores: they hide the distance to the server.
    """
    waiting: deque[tuple[T, int, Future[bytes]]] = deque()
    held = 0
    with ThreadPoolExecutor(threads, thread_name_prefix="fetch") as executor:
        try:
            for what, uri, size in wanted:
                while waiting and (len(waiting) >= 2 * threads or held + size > _HELD_BYTES):
                    first, freed, future = waiting.popleft()
                    held -= freed
                    yield first, future.result
                waiting.append((what, size, executor.submit(objects.read, uri, size or None)))
                held += size
            while waiting:
                first, _, future = waiting.popleft()
                yield first, future.result
        finally:
            for _, _, future in waiting:
                future.cancel()
