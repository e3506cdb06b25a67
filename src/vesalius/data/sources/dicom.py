"""A folder tree of DICOM files: radiographs, or any other pictures, as an archive or a scanner writes them.

Every file is looked into, whatever its name: only headers are read, and of them only what a table needs. Multi-frame
images are a row per frame. Files that are no DICOM, DICOMDIRs, and objects without a picture (reports, presentation
states, plans, segmentations) are passed over and counted. ``subject`` is the PatientID, ``study`` and ``series`` the UIDs,
all as keyed hashes; ``view`` and ``laterality`` where they are words of the standard; ``spacing`` is PixelSpacing, else
ImagerPixelSpacing, in mm (rows, columns); ``meta.modality`` and ``meta.burned_in`` serve to filter. No other text of a header
is taken, but the keywords that ``columns`` names, as ``meta.KEYWORD``.

Labels come from a CSV (``labels_file``) by PatientID, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID or file; or, where
``labels`` is ``class``, from the first-level sub-folders. Licence: the user's own data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vesalius.data.encoding import MOST_CLASSES
from vesalius.data.label_files import KEYS, Joined, join
from vesalius.data.listing import Progress, list_images
from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.dicom_header import Header, read_header
from vesalius.data.readers.dicom_words import LATERALITIES, NO_PICTURES, VIEWS, listed, modality
from vesalius.data.subjects import hashed, subjects_of
from vesalius.data.table import SampleTable
from vesalius.data.task import Kind, TaskSpec, classification
from vesalius.errors import UserError
from vesalius.files import AT_ONCE, Unreachable, is_remote, opened

TASKS: dict[str, TaskSpec] = {}
IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_TOGETHER = 256
_HEADER_BYTES = 1 << 16  # asked for at once behind an address; most headers are shorter
_THREADS = 8


class _Image(NamedTuple):
    uri: str
    header: Header
    frame: int


def index(
    root: Path | None,
    *,
    labels_file: str | Path | None = None,
    labels: Sequence[str] | bool | None = None,
    kind: Kind | None = None,
    columns: Sequence[str] | None = None,
    subject: str | None = None,
    progress: Progress | None = None,
) -> SampleTable:
    """The table of the DICOM images under ``root``.

    ``labels_file``: a CSV of labels (see ``label_files.join``); ``labels``: its columns, or ``class`` for sub-folders without
    one. ``columns``: DICOM keywords to keep as ``meta.KEYWORD``. ``subject``: a regular expression with one group on the path,
    in place of the PatientID. Raises UserError where there is no folder or no image, a keyword or a column is unknown, or no
    label finds an image.
    """
    if root is None or not root.is_dir():
        raise UserError(f"There is no folder {root}. Give the folder that holds the DICOM files, as dicom@FOLDER.")
    wanted = _keywords(columns or ())
    listing = list_images(root, every=True)
    found, passed = _headers(root, listing.uris, wanted, progress)
    images = [_Image(uri, header, frame) for uri, header in found for frame in range(max(1, header.number("NumberOfFrames")))]
    if not images:
        raise UserError(f"The folder {root} holds no DICOM images ({passed or 'it is empty'}). Check the path.")
    warnings = [f"In the folder, {passed} were passed over."] if passed else []
    if listing.closed:
        warnings.append(f"{listing.closed} sub-folders may not be read and were left out.")
    uris = [image.uri for image in images]
    texts = {name: [image.header.words.get(name) or None for image in images] for name in IDENTIFIERS}
    whose = _patients(uris, texts) if subject is None else subjects_of(uris, subject)
    known = _said_of(images, wanted) | {"subject": whose}
    known |= {"study": hashed(texts["StudyInstanceUID"]), "series": hashed(texts["SeriesInstanceUID"])}
    joined = Joined()
    if labels_file is not None:
        joined = join(Path(labels_file).expanduser(), {**texts, "file": uris}, labels, kind)
    elif labels is not None and labels is not False:
        joined = _class_folders(uris, labels)
    burned_in = _burned_in(found)  # said aloud too: before a report shows thumbnails
    return SampleTable.of(
        "dicom", root, uris, known | joined.columns, frames=[image.frame for image in images], private=True,
        warnings=[*warnings, *burned_in, *_doubts(found, texts), *joined.warnings], asides=(*burned_in, *joined.asides),
        class_names=joined.class_names, task=joined.task, licence="the user's own data",
        split_by="source" if "split" in joined.columns else "",
    )  # fmt: skip


def _patients(uris: list[str], texts: dict[str, list[str | None]]) -> list[str | None]:
    """Whose each image is. Where some name no patient, each of their studies, or of their files, counts as one of its own:
    a few nameless files are no reason to divide all others by image.
    """
    patients = texts["PatientID"]
    if all(name is None for name in patients):
        return [None] * len(uris)
    others = [f"study {study}" if study else f"file {uri}" for study, uri in zip(texts["StudyInstanceUID"], uris, strict=True)]
    return hashed(name or other for name, other in zip(patients, others, strict=True))


def originals(path: Path) -> dict[str, str]:
    """The identifiers of one file as they stand in it: what ``vesalius data locate`` gives back."""
    with path.open("rb") as stream:
        header = read_header(stream)
    return {} if header is None else {name: header.words[name] for name in IDENTIFIERS if header.words.get(name)}


def _keywords(columns: Sequence[str]) -> list[str]:
    from pydicom.datadict import keyword_dict

    for name in columns:
        if name not in keyword_dict:
            near = get_close_matches(name, keyword_dict, n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise UserError(f"DICOM has no keyword {name!r}, which data.columns names.{hint} An example is PatientSex.")
    return list(columns)


def _headers(root: Path, uris: list[str], wanted: list[str], progress: Progress | None) -> tuple[list[tuple[str, Header]], str]:
    """Each picture's header, in the order of ``uris``; and what was passed over, in words without names."""
    found: list[tuple[str, Header]] = []
    others: Counter[str] = Counter()

    def read(some: list[str]) -> list[Header | None]:
        return [_header(root / uri, wanted) for uri in some]

    parts = [uris[start : start + _TOGETHER] for start in range(0, len(uris), _TOGETHER)]
    with ThreadPoolExecutor(AT_ONCE if is_remote(root) else _THREADS, thread_name_prefix="headers") as pool:
        for number, headers in enumerate(pool.map(read, parts), 1):
            for uri, header in zip(parts[number - 1], headers, strict=True):
                what = _no_picture(header)
                if what is None and header is not None:
                    found.append((uri, header))
                else:
                    others[what or ""] += 1
            if progress is not None:
                progress(min(number * _TOGETHER, len(uris)), len(uris))
    return found, ", ".join(f"{count:,} {what}" for what, count in sorted(others.items()))


def _header(path: Path, wanted: list[str]) -> Header | None:
    try:
        with opened(path, _HEADER_BYTES) as stream:
            return read_header(stream, wanted)
    except Unreachable:
        raise
    except (Unreadable, OSError):
        return Header({}, dict.fromkeys(wanted, ""))  # decoding will say what is wrong with it, by its id


def _no_picture(header: Header | None) -> str | None:
    """What a file is, where it is no picture."""
    if header is None:
        return "files of other kinds"
    if header.directory:
        return "DICOMDIR"
    kind = modality(header.words.get("Modality"))
    damaged = not header.words
    if not damaged and (kind in NO_PICTURES or not header.number("Rows") or not header.number("Columns")):
        return f"objects without a picture ({kind})"
    return None


def _said_of(images: list[_Image], wanted: list[str]) -> dict[str, object]:
    """The columns that headers give."""
    headers = [image.header for image in images]
    words = [header.words for header in headers]
    columns: dict[str, object] = {
        "view": [listed(word.get("ViewPosition"), VIEWS) for word in words],
        "laterality": [listed(word.get("ImageLaterality") or word.get("Laterality"), LATERALITIES) for word in words],
        "width": [header.number("Columns") or None for header in headers],
        "height": [header.number("Rows") or None for header in headers],
        "spacing": [header.spacing for header in headers],
        "meta.modality": [modality(word.get("Modality")) for word in words],
        "meta.burned_in": [listed(word.get("BurnedInAnnotation"), frozenset(("YES", "NO"))) for word in words],
    }
    return columns | {f"meta.{name}": [header.chosen.get(name) or None for header in headers] for name in wanted}


def _burned_in(found: list[tuple[str, Header]]) -> list[str]:
    burned = sum(header.words.get("BurnedInAnnotation", "").upper() == "YES" for _, header in found)
    if not burned:
        return []
    return [
        f"{burned:,} of {len(found):,} files say that text is burned into their pixels (BurnedInAnnotation is YES): names may be"
        " legible in them, and in thumbnails of reports. data.filter 'burned_in=NO' keeps those that say they have none."
    ]


def _doubts(found: list[tuple[str, Header]], texts: dict[str, list[str | None]]) -> list[str]:
    """What a user should know of these data, in words without names."""
    doubts = []
    if missing := sum(name is None for name in texts["PatientID"]):
        rest = "; each study of theirs counts as a patient of its own" if missing < len(texts["PatientID"]) else ""
        doubts.append(f"{missing:,} of {len(texts['PatientID']):,} images name no patient{rest}.")
    named = [(patient, study) for patient, study in zip(texts["PatientID"], texts["StudyInstanceUID"], strict=True) if patient]
    studies = {study for _, study in named if study}
    if len({patient for patient, _ in named}) == 1 and len(studies) > 1:
        doubts.append(f"One PatientID stands in all {len(studies):,} studies: if it was put there to hide names, give data.subject a rule on paths.")
    objects = Counter(word for _, header in found if (word := header.words.get("SOPInstanceUID")))
    if again := sum(count - 1 for count in objects.values()):
        doubts.append(f"{again:,} files bear the SOPInstanceUID of another file: the same image, stored twice.")
    return doubts


def _class_folders(uris: list[str], labels: Sequence[str] | bool) -> Joined:
    """First-level folders as classes. Only where they are asked for, because folders may bear the names of people."""
    if not isinstance(labels, bool) and list(labels) != ["class"]:
        raise UserError(
            f"A folder of DICOM files has no labels called {', '.join(labels)}. Give the CSV that holds them as data.labels_file,"
            f" with a column {', '.join(KEYS)}; or ask for data.labels class, the first-level sub-folders."
        )
    names = sorted({uri.partition("/")[0] for uri in uris if "/" in uri})
    if not all("/" in uri for uri in uris) or not 2 <= len(names) <= MOST_CLASSES:
        raise UserError(
            f"The labels are asked for as first-level sub-folders, one per class (2 to {MOST_CLASSES}, every image inside one), but these"
            f" DICOM files lie in {len(names)}. Sort them so, or give the labels as a CSV in data.labels_file."
        )
    number = {name: float(place) for place, name in enumerate(names)}
    codes = np.array([number[uri.partition("/")[0]] for uri in uris])
    return Joined({"label.class": codes}, {"class": names}, classification("class", "class", names))
