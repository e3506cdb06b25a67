"""Which data assets a line on Azure ML reads: each becomes a mounted folder whose place the line is given as its root."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vesalius.errors import UserError
from vesalius.submit.verb_line import VerbLine

SHORT = {"rsna": "rsna-pneumonia", "nih": "nih-chestxray14", "chexpert": "chexpert", "covid": "covid-cxr"}
"""Sources as ``--dataset`` may call them."""
ORIGINAL = {
    "rsna-pneumonia": ("RSNA_AZURE_DATASET_ID", "rsna_pneumonia_detection_kaggle_dataset"),
    "nih-chestxray14": ("NIH_AZURE_DATASET_ID", "nih-training-set"),
}
"""Where InnerEye kept a source's id, and what it was."""
_NAMED = re.compile(r"[\w-]+(:[\w-]+)?|.+\.py:\w+")
"""A reference that says what is read and leaves open where: a source, or a class of the user's."""
_INPUT = re.compile(r"\$\{\{inputs\.(\w+)\}\}")


@dataclass
class Mounts:
    """``inputs``: name -> asset. ``words``: what is added to the line. ``said``: for the user."""

    inputs: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def given(pairs: Sequence[str]) -> dict[str, str]:
    """``NAME=ASSET`` of ``--dataset``, a source under its full name. Raises UserError for another form."""
    found = {}
    for text in pairs:
        name, _, asset = text.partition("=")
        if not re.fullmatch(r"[\w-]+", name) or not asset:
            raise UserError(f"--dataset {text}: write NAME=ASSET, as in --dataset rsna=my-rsna:3. Names: {', '.join(SHORT)}, or your own.")
        found[SHORT.get(name, name)] = asset
    return found


def mounts(line: VerbLine, train: str | None, monitor: str | None, named: Mapping[str, str]) -> Mounts:
    """What ``line`` reads. ``train``, ``monitor``: assets named outright; ``named``: by source or input.

    A local folder goes before an asset, and it is said. Raises UserError for a source that is a folder and has neither,
    for an asset that is a folder here, and for an input of the line that nothing is named for.
    """
    found = Mounts()
    if line.config is not None:
        data = line.config.data
        _slot(found, "train", data.train, data.root, "root", train, named)
        other = getattr(data, "monitor", None)
        if other is not None and (other != data.train or monitor is not None or data.monitor_root is not None):  # type: ignore[union-attr]
            _slot(found, "monitor", other, data.monitor_root, "monitor_root", monitor, named)  # type: ignore[union-attr]
    for name in _INPUT.findall(" ".join(line.words)):
        wanted = {"train": train, "monitor": monitor}.get(name) or named.get(SHORT.get(name, name))
        if wanted is None:
            raise UserError(f"The line reads ${{{{inputs.{name}}}}}, but no data asset is named for it: give --dataset {name}=ASSET.")
        found.inputs[name] = asset(wanted)
    return found


def _slot(
    found: Mounts, name: str, reference: str, root: str | None, option: str, outright: str | None, named: Mapping[str, str]
) -> None:
    """The asset of one of a recipe's data references."""
    source = reference.partition("@")[0].partition(":")[0]
    variable, default = ORIGINAL.get(source, ("", None))
    wanted = outright or named.get(source) or os.environ.get(variable) or default
    if _INPUT.search(reference) or _INPUT.search(root or ""):
        return
    if root is not None or not _NAMED.fullmatch(reference):
        place = f"data.{option} {root}" if root is not None else f"data.{name} {reference}"
        unused = f"; the data asset {wanted} is not mounted" if wanted else ""
        found.said.append(f"{place} is given and goes first{unused}. It must be there on the compute: no data are uploaded.")
    elif wanted is not None:
        at = next((known for known, path in found.inputs.items() if path == asset(wanted)), name)
        found.inputs[at] = asset(wanted)
        found.words += [f"--data.{option}", f"${{{{inputs.{at}}}}}"]
    elif source in SHORT.values() or ".py:" in reference:
        short = next((s for s, full in SHORT.items() if full == source), None)
        how = f"--dataset {short}=ASSET" if short else "--azure-dataset-id ASSET" if name == "train" else "--extra-azure-dataset-ids ASSET"
        raise UserError(f"{reference} is read from a folder, and no data asset is named for it: give {how}, or --data.{option}.")


def asset(text: str) -> str:
    """``NAME``, ``NAME:VERSION``, ``NAME@LABEL`` or a URI as Azure ML writes it. Raises UserError for a folder of this machine."""
    if re.match(r"(azureml:|[a-z]+://)", text):
        return text
    if text.startswith("/subscriptions/"):
        return f"azureml:{text}"
    if not re.fullmatch(r"[\w.-]+([:@][\w.-]+)?", text):
        raise UserError(f"{text!r} is no data asset: give NAME, NAME:VERSION or azureml:...; `az ml data create` registers a folder.")
    return f"azureml:{text}" if re.search("[:@]", text) else f"azureml:{text}@latest"
