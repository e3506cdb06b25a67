"""The command line of the zoo: ``vesalius models``. Each imports its verb inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts

Plugins = Annotated[list[str] | None, cyclopts.Parameter(negative=())]

models_app = cyclopts.App(name="models", help="Published checkpoints: what there is, and how one becomes an encoder.")


@models_app.command(name="list")
def models_list(*, plugins: Plugins = None) -> None:
    """Published checkpoints by name: network, what they were trained on, licence, size, and whether they are prepared.

    Parameters
    ----------
    plugins
        Python files with families of your own.
    """
    from vesalius.models import models_list as verb

    verb(plugins=plugins or ())


@models_app.command(name="show")
def models_show(name: str, /, *, plugins: Plugins = None) -> None:
    """All that is known of one: address, digest, preprocessing, licence, what it was verified against.

    Parameters
    ----------
    name
        A model's name.
    plugins
        Python files with families of your own.
    """
    from vesalius.models import models_show as verb

    verb(name, plugins=plugins or ())


@models_app.command(name="prepare")
def models_prepare(name: str, /, *, file: Path | None = None, out: Path | None = None, plugins: Plugins = None) -> None:
    """Fetch a published checkpoint, or take its file, and make it an encoder: vesalius models prepare NAME|all [--file FILE]

    Afterwards NAME is an encoder in every command. The licence is shown; the file is checked, converted without running anything
    in it, must fill its network exactly and give torchvision's features.

    Parameters
    ----------
    name
        A model's name, or all: then what fails is named at the end, and the others are prepared.
    file
        The published file, models/NAME.pth of SSL_medicalimaging, or a folder with such files; otherwise it is downloaded.
    out
        Write to OUT/NAME instead of the cache; then OUT/NAME is the encoder.
    plugins
        Python files with families of your own.
    """
    from vesalius.models import prepare_model as verb
    from vesalius.terminal import answer

    for folder in verb(name, file=file, out=out, plugins=plugins or ()):
        answer(str(folder))
