"""What ``vesalius predict --out FILE`` wrote, for the candidates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.select.candidates import Candidates

_ANSWERS = "prob_"


def answers_of(file: Path, candidates: Candidates) -> NDArray[np.float64]:
    """``(N, C)`` the probabilities, NaN for images that the file does not hold.

    Rows are found by id, or by name where the ids are of other data. Raises UserError where it cannot be read, or holds no probabilities.
    """
    import pandas as pd

    file = file.expanduser()
    try:
        frame = pd.read_csv(file, dtype={"id": str}) if file.suffix == ".csv" else pd.read_parquet(file)
    except (OSError, ValueError) as error:  # pandas' and pyarrow's errors of format are ValueErrors
        said = f"The predictions {file.name} could not be read ({type(error).__name__})."
        raise UserError(f"{said} Give a .csv or .parquet file of `vesalius predict --out`.") from error
    columns = [name for name in frame if str(name).startswith(_ANSWERS)]
    if not columns:
        there = ", ".join(map(str, frame))
        raise UserError(f"{file.name} has no columns {_ANSWERS}NAME, which `vesalius predict` writes for a classifier. Its columns: {there}.")
    values = frame[columns].to_numpy(np.float64, na_value=np.nan)
    out = np.full((len(candidates), len(columns)), np.nan)
    places = np.full(len(candidates), -1)
    if "id" in frame and candidates.frame is not None:
        places = pd.Index(frame["id"].astype(str)).get_indexer(pd.Index([f"{int(i):016x}" for i in candidates.frame["id"]]))
    if (places < 0).all() and "uri" in frame:
        uris = frame["uri"].astype(str)
        if not uris.is_unique:
            raise UserError(f"{file.name} holds several predictions of one file, and its ids are of other data. Predict on the data that is selected from.")
        places = pd.Index(uris).get_indexer(pd.Index(candidates.names.tolist()))
    if without := (places < 0).nonzero()[0].tolist():
        shown = ", ".join(candidates.names[without[:3]])
        candidates.terminal.say(f"{file.name} says nothing of {len(without):,} of {len(candidates):,} images, as {shown}.")
    out[places >= 0] = values[places[places >= 0]]
    return out
