"""The examples of a run: thumbnails in one sprite, with what is known of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image

from vesalius.report.pictures import data_uri, open_picture
from vesalius.report.reading import RunRecord, read_json
from vesalius.report.values import index, number, records, text, texts, whole

_THUMB_BYTES = 40_000


@dataclass(frozen=True)
class Item:
    """One example; ``label`` and ``prediction`` are positions in the classes, None where unknown."""

    id: str
    label: int | None
    subject: str
    split: str
    xy: tuple[float, float] | None
    prediction: int | None
    confidence: float | None


@dataclass(frozen=True)
class Examples:
    """``sprite``: square tiles of ``tile`` pixels, ``columns`` in a row; ``content``: examples.json as read."""

    items: Sequence[Item]
    classes: Sequence[str]
    tile: int
    columns: int
    sprite: Image.Image
    content: Mapping[str, Any]

    @cached_property
    def _thumbs(self) -> dict[int, str]:
        return {}

    def thumb(self, item: int) -> str:
        """The thumbnail of item number ``item`` as a ``data:`` address."""
        if item not in self._thumbs:
            top, left = item // self.columns * self.tile, item % self.columns * self.tile
            crop = self.sprite.crop((left, top, left + self.tile, top + self.tile))
            self._thumbs[item] = data_uri(crop, _THUMB_BYTES)[0]
        return self._thumbs[item]

    def class_name(self, label: int | None) -> str:
        """The name of class ``label``, ``unlabelled`` for None."""
        if label is None:
            return "unlabelled"
        return self.classes[label] if 0 <= label < len(self.classes) else f"class {label}"

    def describe(self, item: int) -> str:
        """The alternative text of the thumbnail of ``item``."""
        one = self.items[item]
        return f"{self.class_name(one.label)}, sample {one.id[:8]}" if one.id else self.class_name(one.label)


def read_examples(run: RunRecord, name: str = "examples") -> Examples | str:
    """The examples of ``run`` in its folder ``name``, or one sentence why there are none to show."""
    folder, problems = run.path / name, dict[str, str]()
    if not folder.is_dir():
        return f"The run kept no example images (no folder {name})."
    content = read_json(folder, "examples.json", problems)
    if problems:
        return problems["examples.json"].replace("The run has no", f"The folder {name} has no")
    if not (folder / "sprite.png").is_file():
        return f"The folder {name} has no sprite.png."
    sprite = open_picture(folder / "sprite.png")
    if sprite is None:
        return f"{name}/sprite.png could not be read as a picture."
    tile, columns = whole(content.get("tile")) or 0, whole(content.get("columns")) or 0
    if tile <= 0 or columns <= 0 or columns * tile > sprite.width:
        return f"{name}/examples.json does not say how the thumbnails lie in sprite.png (tile, columns)."
    items = [_item(row) for row in records(content.get("items"))][: sprite.height // tile * columns]
    if not items:
        return f"{name}/examples.json lists no examples."
    classes = texts(content.get("classes")) or texts(run.task.get("classes"))
    return Examples(items, classes, tile, columns, sprite, content)


def item_index(value: Any, examples: Examples) -> int | None:
    """``value`` as the number of an item, or None."""
    return index(value, len(examples.items))


def _item(row: Mapping[str, Any]) -> Item:
    place = row.get("xy")
    xy = [number(v) for v in place] if isinstance(place, list) and len(place) == 2 else [None, None]
    x, y = xy
    return Item(
        id=text(row.get("id")),
        label=whole(row.get("label")),
        subject=text(row.get("subject")),
        split=text(row.get("split")),
        xy=(x, y) if x is not None and y is not None else None,
        prediction=whole(row.get("prediction")),
        confidence=number(row.get("confidence")),
    )
