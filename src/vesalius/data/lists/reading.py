"""From a JSON file to what it lists, whatever its form."""

from __future__ import annotations

import json
from pathlib import Path

from vesalius.data.lists import decathlon, nnssl, nnunet, plain
from vesalius.data.lists.listed import Listed
from vesalius.errors import UserError
from vesalius.files import opened


def read_list(file: Path, root: Path | None = None) -> Listed:
    """The list in ``file``; ``root``: where its paths begin, where that is given. Raises UserError for what is no list of volumes."""
    try:
        with opened(file) as stream:
            content = json.loads(stream.read().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(
            f"{file} cannot be read as JSON: {error}. Correct it, or give a table (.csv) or a folder of volumes."
        ) from None
    if nnssl.fits(content):
        found = nnssl.read(content, file, root)
    elif decathlon.fits(content):  # nnU-Net's version 1 too
        found = decathlon.read(content, file)
    elif nnunet.fits(content):
        found = nnunet.read(content, file, root)
    elif plain.fits(content):
        found = plain.read(content, file)
    else:
        said = (
            f"has {', '.join(map(str, list(content)[:6])) or 'nothing'}"
            if isinstance(content, dict)
            else "is empty or no list"
        )
        raise UserError(
            f"{file} {said}, which is none of the lists that are known: {decathlon.FORM} (training, validation), {nnunet.FORM} (channel_names,"
            f" file_ending), {nnssl.FORM} (collection_name, datasets), or an array of paths. docs/volumes.md shows them."
        )
    if not found.entries:
        raise UserError(
            f"{file} lists no volume. Give each part its entries, as in {{'training': [{{'image': 'a.nii.gz'}}]}}."
        )
    return found
