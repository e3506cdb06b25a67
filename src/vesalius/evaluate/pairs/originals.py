"""``compat: ssl-medicalimaging``: the labels and divisions of Anton et al., where the data are one of their sets."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from vesalius import registry
from vesalius.data.references import parse
from vesalius.data.table import SampleTable
from vesalius.evaluate.config import EvaluateConfig
from vesalius.terminal import Terminal


def wanted(reference: str, config: EvaluateConfig) -> Mapping[str, Any]:
    """What ``resolve`` is to be asked for beside the reference: every row, and what its authors took uncertain labels for.

    Their few-shot code takes these for a yes, the others for a no; several protocols at once share one table, of the others.
    """
    module = _module(parse(reference).source)
    asked: dict[str, Any] = {"filter": config.filter or ("all" if hasattr(module, "FILTER") else None), "uncertain": config.uncertain}
    if config.uncertain is None and hasattr(module, "UNCERTAIN"):
        asked["uncertain"] = "ones" if list(config.protocols) == ["few-shot"] else "zeros"
    return asked


def divided(table: SampleTable, reference: str, terminal: Terminal, uncertain: object = None) -> SampleTable:
    """``table`` with the original's labels and division by image; as it is where the data are none of the original's.

    ``uncertain``: the policy by which it was read, which every result says.
    """
    rule = getattr(_module(table.source), "compat_ssl_medicalimaging", None)
    if rule is None:
        terminal.say(f"{table.source} is none of the sets of Anton et al.: it keeps its own labels and division.")
        return table
    found: SampleTable = rule(table, parse(reference).task)
    if uncertain is not None:
        found.warnings.append(f"What is uncertain counts as {uncertain}, and what is not mentioned as a no, as in the code of Anton et al.")
    return found


def _module(source: str) -> ModuleType | None:
    return registry.entry("sources", source) if source in registry.names("sources") else None
