"""``python -m docs.structure``: the page on the structure and its drawing, both from the code as it stands.

Layers are those of import-linter's contract in pyproject.toml; arrows are the imports of the files, wherever in a file they
stand; lines are counted in the working tree.
"""

from __future__ import annotations

import ast
import re
import statistics
import tomllib
from collections import Counter
from functools import cache
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "vesalius"
PAGE, PICTURE = ROOT / "docs" / "structure.md", ROOT / "docs" / "pictures" / "structure.svg"

READER = {
    "cli.py": "`pretrain`: the words typed, as a recipe and its changes",
    "pretrain.py": "`pretrain`: recipe, material, parts, the run, the loop, the end",
    "training/fit.py": "`fit`: the one loop; `_forward_backward`: one step",
    "methods/simclr.py": "`SimCLR.forward`, `nt_xent`: two views to the loss of each sample",
}
IMAGE = {
    "data/sources/folder.py": "`index`: a folder is listed, one row an image",
    "data/store.py": "`open`: the store of these records, filled with what it lacks",
    "data/building.py": "`fill`: each image is decoded once",
    "data/readers/pillow.py": "`decode`: bytes to pixels",
    "training/feed.py": "`Feed.stream`: which records a step reads, read ahead",
    "views/pipeline.py": "`Views.draw` on the host, `Views.apply` on the device",
    "training/fit.py": "`_forward_backward`: views, loss, gradient",
    "methods/simclr.py": "`SimCLR.forward`, `nt_xent`: views to the loss of each sample",
}
FEATURE = {
    "features/cache.py": "`Cache.of`, `Cache.find`: the address of features, and the rows found there",
    "features/one_pass.py": "`forward`: one pass for what was not found",
    "features/compute.py": "`compute`: both, as one table of rows",
    "evaluate/pairs/pair.py": "`Pair.features`: one encoder on one data set, by split",
    "evaluate/protocols/linear.py": "`examine`, `measure`: features and labels to scores",
    "evaluate/verb.py": "`evaluate`: cells in order, each computed once",
    "evaluate/tables.py": "`write_tables`: cells as CSV and LaTeX",
}


@cache
def layers() -> list[list[str]]:
    """The contract's layers from the top, each with its packages and files."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [re.split(r"\s*[:|]\s*", layer) for layer in settings["tool"]["importlinter"]["contracts"][0]["layers"]]


def files(name: str = "") -> list[Path]:
    """The Python files of one room, or all."""
    own = SOURCE / f"{name}.py"
    return [own] if name and own.is_file() else sorted((SOURCE / name).rglob("*.py"))


@cache
def lines(path: Path) -> int:
    """Lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


@cache
def arrows() -> Counter[tuple[str, str]]:
    """How many imports lead from one room to another."""
    rooms, found = {room for layer in layers() for room in layer}, Counter[tuple[str, str]]()
    for room in rooms:
        for path in files(room):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "vesalius":
                    inner = node.module.split(".")[1:2]
                    for to in inner or [alias.name for alias in node.names]:
                        if to in rooms and to != room:
                            found[room, to] += 1
    return found


def upward() -> list[tuple[str, str]]:
    """Imports that lead to a higher layer: there should be none."""
    height = {room: i for i, layer in enumerate(layers()) for room in layer}
    return sorted(pair for pair in arrows() if height[pair[1]] < height[pair[0]])


def picture() -> str:
    """The drawing: a row a layer, a box a room, an arrow where a layer is used by the one that needs it nearest."""
    width, row, boxes, places = 1000, 0, [], {}
    for layer in layers():
        sizes = [(room, len(files(room)), sum(map(lines, files(room)))) for room in layer]
        for start in range(0, len(sizes), 7):
            part = sizes[start : start + 7]
            step = (width - 20) / len(part) if len(part) > 4 else 190
            left = (width - step * len(part)) / 2
            for i, (room, count, total) in enumerate(part):
                x, y = left + i * step + 4, 12 + row * 74
                places[room] = (x + (step - 8) / 2, y)
                size = f"{total:,} lines" if count == 1 else f"{count} files, {total:,}"
                boxes.append(
                    f'<rect x="{x:.0f}" y="{y}" width="{step - 8:.0f}" height="44" rx="5"/>'
                    f'<text class="name" x="{x + (step - 8) / 2:.0f}" y="{y + 19}">{escape(room)}</text>'
                    f'<text x="{x + (step - 8) / 2:.0f}" y="{y + 36}">{size}</text>'
                )
            row += 1
    drawn = []
    for (room, to), many in sorted(arrows().items()):
        (x, y), (u, v) = places[room], places[to]
        if v > y and many >= 3:
            thick = min(4.0, 0.5 + many / 25)
            drawn.append(f'<path d="M{x:.0f} {y + 44} C{x:.0f} {y + 64} {u:.0f} {v - 22} {u:.0f} {v - 2}" stroke-width="{thick:.1f}"/>')
    style = (
        "rect{fill:#eef3f8;stroke:#4a6a8a}text{font:12px sans-serif;text-anchor:middle;fill:#223}.name{font-weight:bold;font-size:13px}"
        "path{fill:none;stroke:#4a6a8a;opacity:.35;marker-end:url(#tip)}svg{background:#fff}"
        "@media(prefers-color-scheme:dark){svg{background:#14181d}rect{fill:#22303d;stroke:#8fb3d6}text{fill:#e8eef4}path{stroke:#8fb3d6}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {row * 74}" role="img" aria-label="Packages of Vesalius in layers">'
        f"<style>{style}</style><defs><marker id=\"tip\" markerWidth=\"6\" markerHeight=\"6\" refX=\"5\" refY=\"3\" orient=\"auto\" "
        f'markerUnits="userSpaceOnUse"><path d="M0 0L6 3L0 6z" style="fill:#4a6a8a;stroke:none;opacity:1"/></marker></defs>'
        f"{''.join(drawn)}{''.join(boxes)}</svg>\n"
    )


def walk(path: dict[str, str]) -> str:
    """A table of files opened, in order, with their lines and their sum."""
    rows = [f"| [{name}](../src/vesalius/{name}) | {lines(SOURCE / name)} | {what} |" for name, what in path.items()]
    total = sum(lines(SOURCE / name) for name in path)
    return "\n".join(["| file | lines | what one reads there |", "|---|---:|---|", *rows, f"| {len(path)} files | {total} | |"])


def numbers() -> dict[str, float]:
    """What the page states and its test holds current."""
    source = {path: lines(path) for path in files()}
    tests = [path for path in (ROOT / "tests").rglob("*.py") if "__pycache__" not in path.parts]
    return {
        "reader's files": len(READER),
        "reader's lines": sum(lines(SOURCE / name) for name in READER),
        "files": len(source),
        "lines": sum(source.values()),
        "longest file": max(source.values()),
        "median file": statistics.median(source.values()),
        "lines of tests": sum(map(lines, tests)),
        "lines of tests to a line of source": round(sum(map(lines, tests)) / sum(source.values()), 2),
    }


def page() -> str:
    """The page."""
    stated = "\n".join(f"| {name} | {value:,} |" for name, value in numbers().items())
    longest = max(files(), key=lines).relative_to(SOURCE)
    return f"""# The structure

Written by `python -m docs.structure` from the imports and the lines of the code; do not edit it.

![Packages in layers, arrows from those that use to those that are used](pictures/structure.svg)

Arrows point down only: `import-linter` holds the layers of pyproject.toml, and {len(upward())} imports lead up. Drawn are arrows of three
imports and more; the thicker, the more. Why the layers are as they are: [decision 5](decisions/0005-packages.md).

## In numbers

| what | number |
|---|---:|
{stated}

The longest file is `{longest}`.

## From the command line to the loss

`vesalius pretrain cifar10-simclr`: what a reader opens, in order.

{walk(READER)}

Left closed are what the names say: how a recipe is merged (`recipes`), how the product of similarities is differentiated
(`training/contrast.py`), how a loss is summed over ranks (`training/gather.py`).

## An image, from its file to the loss

{walk(IMAGE)}

## A feature, from the cache to a table

{walk(FEATURE)}
"""


def main() -> None:
    """Write page and picture."""
    PICTURE.write_text(picture(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
