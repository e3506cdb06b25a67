"""The command line of which images to label next: ``vesalius select``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts

Fields = Annotated[str, cyclopts.Parameter(allow_leading_hyphen=True, show=False)]


def select(
    config: Annotated[str | None, cyclopts.Parameter(allow_leading_hyphen=True)] = None,
    /,
    *fields: Fields,
    strategy: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    write: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    out: Path | None = None,
    resume: str | None = None,
) -> None:
    """Which images to label next: vesalius select config.yaml, or --encoder ENCODER --data DATA --n 50 [--strategy diversity ...]

    config.yaml holds worker_config, selection_config and lightly_config, as the Lightly Worker has them,
    beside fields of ours. Stages train, embed, select, report: each is done once, and found again when the
    job is gone on with. Further fields follow, as --dataset NAME, --training.epochs 100, --split train,
    --preselected labelled.txt, --embeddings vectors.parquet.

    Parameters
    ----------
    config
        A YAML file.
    strategy
        STRATEGY[:INPUT][,FIELD=VALUE ...], as diversity, typicality, weights:lightly.sharpness,strength=2 or
        threshold:age>=18; several are multiplied.
    write
        FORMAT=PATH, as filenames=selected.txt, csv=selected.csv, copies=FOLDER, label-studio=FOLDER.
    out
        The run's directory; by default a new one below VESALIUS_RUNS, or ./runs.
    resume
        A selection to go on with, or to write again: folder, id, or `latest`.
    """
    from vesalius.select.job import fields_of
    from vesalius.select.verb import select as verb
    from vesalius.terminal import answer

    if config is not None and config.startswith("--"):
        fields, config = (config, *fields), None
    given = {"strategy": strategy, "write": write, **fields_of(fields)}
    answer(str(verb(config, out=out, resume=resume, **{key: value for key, value in given.items() if value is not None}).path))
