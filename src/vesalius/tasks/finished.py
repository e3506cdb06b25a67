"""The folder of a fine-tuned run that is done; of every other run, what it is and what to give instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from vesalius.errors import UserError
from vesalius.runs import find

FILES: Mapping[str, tuple[str, str]] = {name: (f"{name}.json", f"{name}.safetensors") for name in ("classifier", "segmenter")}
"""What a fine-tuned run writes of its model, the facts before the weights."""
_SHOWN = 8
_LISTED = "`vesalius runs list` shows the runs."


def finished(run: str | Path, what: Literal["classifier", "segmenter"]) -> Path:
    """The folder of ``run`` (folder, id or ``latest``), which holds a ``what``.

    Raises UserError where it holds none: for a run of another verb, one that is not done, one of several runs, and a folder that is no run.
    """
    folder = Path(run).expanduser()
    folder = folder if folder.is_dir() else find(run)
    files = FILES[what]
    if all((folder / name).is_file() for name in files):
        return folder
    if parts := sorted({place.parent.name for facts, _ in FILES.values() for place in folder.glob(f"*/{facts}")}):
        shown = ", ".join(parts[:_SHOWN]) + (", ..." if len(parts) > _SHOWN else "")
        raise UserError(f"{run} holds several runs: {shown}. Give one of them, such as {folder / parts[0]}.")
    facts: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8")) if (folder / "run.json").is_file() else {}
    verb = facts.get("verb")
    if verb == "pretrain":
        raise UserError(
            f"{run} is a run of `vesalius pretrain`: an encoder, which gives no answers yet. Fine-tune it with `vesalius finetune RECIPE --encoder "
            f"{run} --data.train LABELLED`, and give that run; `vesalius embed` writes its vectors."
        )
    if verb == "finetune" and facts.get("state") != "done":
        raise UserError(
            f"{run} is not done and holds no {what} yet. Go on with `vesalius finetune --resume {run}`, or give another run; {_LISTED}"
        )
    kind = f"is a run of `vesalius {verb}` and holds no {what}" if verb else f"holds no {what}: {' and '.join(files)} are not there"
    raise UserError(f"{run} {kind}. Give the folder or id of a run of `vesalius finetune` that is done; {_LISTED}")
