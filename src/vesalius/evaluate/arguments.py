"""What was said to ``evaluate``, in our words or those of SSL_medicalimaging's scripts, as fields of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes.shipped import aliases

MULTI_VIEW = "multi_view"
"""What the original calls the transform between two real views."""
_ENLARGED = "image_size has no meaning of saliency under compat: images are 18 pixels larger than the encoder's, as the original's 242 are than 224."


def several(name: str) -> bool:
    """Whether ``name`` may be said more than once, as an original's word for encoders or data."""
    return aliases()["evaluate"]["fields"].get(name) in ("encoder", "data")


def spread(tokens: Sequence[str]) -> list[str]:
    """``--datasets bach chestx``, as some of the original's scripts take them, as ``--datasets bach --datasets chestx``.

    Raises UserError where a word before all fields is one protocol more.
    """
    if tokens and tokens[0].strip(",") in registry.names("protocols"):
        raise UserError(f"Several protocols are one word with commas and no spaces: give them as PROTOCOL,{tokens[0].strip(',')}.")
    found: list[str] = []
    taking = ""
    for token in tokens:
        if token.startswith("--"):
            taking = token if several(token[2:].replace("-", "_")) else ""
        elif taking and found[-1] != taking:
            found.append(taking)
        found.append(token)
    return found


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
    original = given.get("compat") == "ssl-medicalimaging"
    fields = known["fields"] | (known["under_compat"] if original else {})
    said = Said({}, [], [], [])
    for name, value in given.items():
        if original and ((name, value) == ("transform", MULTI_VIEW) or (name == "k" and value in ("None", None))):
            continue  # what the original's protocol is, and how it says its own number
        if original and name == "image_size" and "saliency" in protocols:
            said.sentences.append(_ENLARGED)
            continue
        if name in known["refused"]:
            raise UserError(f"--{name.replace('_', '-')} is the original's; here {known['refused'][name]}.")
        if name in known["without_meaning"]:
            said.sentences.append(known["without_meaning"][name])
        elif (target := fields.get(name)) in ("encoder", "data"):
            getattr(said, target).extend(str(part) for part in (value if isinstance(value, list | tuple) else [value]))
        elif target is None or (where := [one for one in target if one.partition(".")[0] in protocols]) == []:
            said.fields[name] = value
        else:
            said.fields.update(dict.fromkeys(where, value))
    if original and "finetune" in protocols and "batch_size" in given:
        said.fields["finetune.batch"] = given["batch_size"]  # there the original's --batch-size is a step's
    return said
