"""What was said to ``evaluate``, in our words or those of SSL_medicalimaging's scripts, as fields of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vesalius.errors import UserError
from vesalius.recipes.shipped import aliases


def several(name: str) -> bool:
    """Whether ``name`` may be said more than once, as an original's word for encoders or data."""
    return aliases()["evaluate"]["fields"].get(name) in ("encoder", "data")


class Said(NamedTuple):
    """``fields``: ours; ``encoder`` and ``data``: further references; ``sentences``: what to tell the user."""

    fields: dict[str, Any]
    encoder: list[str]
    data: list[str]
    sentences: list[str]


def translated(given: Mapping[str, Any], protocols: Sequence[str]) -> Said:
    """``given`` with the original's arguments in our words. Of an argument that protocols take under other names each is set.

    Raises UserError for an argument that has no counterpart, with what to say instead.
    """
    known = aliases()["evaluate"]
    said = Said({}, [], [], [])
    for name, value in given.items():
        if name in known["refused"]:
            raise UserError(f"--{name.replace('_', '-')} is the original's; here {known['refused'][name]}.")
        if name in known["without_meaning"]:
            said.sentences.append(known["without_meaning"][name])
        elif (target := known["fields"].get(name)) in ("encoder", "data"):
            getattr(said, target).extend(str(part) for part in (value if isinstance(value, list | tuple) else [value]))
        elif target is None or (where := [one for one in target if one.partition(".")[0] in protocols]) == []:
            said.fields[name] = value
        else:
            said.fields.update(dict.fromkeys(where, value))
    if given.get("compat") == "ssl-medicalimaging" and "finetune" in protocols and "batch_size" in given:
        said.fields["finetune.batch"] = given["batch_size"]  # there the original's --batch-size is a step's
    return said
