"""Pascal VOC: ``Annotations/NAME.xml`` beside ``JPEGImages/NAME.jpg``; ``ImageSets/Main/train.txt`` and the like are the splits.

Corners are taken as they stand (x = xmin, width = xmax - xmin), as labelImg writes and most tools read them; in files by the rule of
1-based inclusive pixels a box is so one pixel smaller on its right and lower side. Everingham et al., IJCV 2010.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from vesalius.data.boxes.found import NO_IMAGE, Found, Images
from vesalius.data.schema import SPLITS

_FOLDER = "Annotations"
_SIDES = ("xmin", "ymin", "xmax", "ymax")


def tasks(root: Path, images: Images) -> list[str]:
    """``voc`` where there is a folder of annotations."""
    folder = root / _FOLDER
    return ["voc"] if folder.is_dir() and any(folder.glob("*.xml")) else []


def read(root: Path, task: str, images: Images) -> Found:
    """Every object of every annotation."""
    found = Found()
    classes: set[str] = set()
    for file in sorted((root / _FOLDER).glob("*.xml")):
        try:
            tree = parsed(file.read_bytes())
        except ValueError as error:
            found.lose(f"of annotations that cannot be read ({error})", file.name)
            continue
        objects = tree.findall("object")
        name = (tree.findtext("filename") or "").strip()
        uri = images.stem(file.stem, ("JPEGImages",)) or (images.named(name) if name else None)
        if uri is None:
            found.lose(NO_IMAGE, name or file.name, len(objects))
            continue
        found.images.add(uri)
        width, height = (_number(tree.findtext(f"size/{side}")) for side in ("width", "height"))
        if width > 0 and height > 0:
            found.sizes[uri] = int(width), int(height)
        for one in objects:
            kind = (one.findtext("name") or "").strip()
            x0, y0, x1, y1 = (_number(one.findtext(f"bndbox/{side}")) for side in _SIDES)
            if not kind:
                found.lose("without a class", uri)
                continue
            classes.add(kind)
            found.add(uri, (x0, y0, x1 - x0, y1 - y0), kind)
    found.classes = sorted(classes)
    for split in SPLITS:
        found.splits |= {uri: split for stem in _listed(root / "ImageSets" / "Main" / f"{split}.txt") if (uri := images.stem(stem, ("JPEGImages",)))}
    return found


def parsed(data: bytes) -> ElementTree.Element:
    """The root of an XML file that declares no document type and no entities: neither grows while it is read, nor reads other files.

    Raises ValueError, in words that end no sentence, for one that does, and for what is no XML.
    """
    parser, tree = expat.ParserCreate(), ElementTree.TreeBuilder()

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type, which no annotation needs")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.data
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is no XML at line {error.lineno}") from None
    return tree.close()


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        return float("nan")


def _listed(file: Path) -> list[str]:
    """The names of a list of images; each line may go on with a number."""
    return [words[0] for line in file.read_text(encoding="utf-8").splitlines() if (words := line.split())] if file.is_file() else []
