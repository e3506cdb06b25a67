"""What is typed instead of a mapping: ``--n 10%``, ``--strategy weights:lightly.sharpness,strength=-1``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vesalius.errors import UserError
from vesalius.recipes import yaml12

_THRESHOLD = re.compile(r"^(?P<input>[^<>]+)(?P<sign><=|>=|<|>)(?P<value>.+)$")
_OPERATIONS = {"<": "SMALLER", "<=": "SMALLER_EQUAL", ">": "BIGGER", ">=": "BIGGER_EQUAL"}


def amount(n: Any) -> dict[str, Any]:
    """``50`` -> n_samples; ``0.1`` and ``10%`` -> proportion_samples. Raises UserError for anything else."""
    text = str(n).strip().replace("_", "").replace(",", "")
    try:
        if text.endswith("%") and 0 < float(text[:-1]) <= 100:
            return {"proportion_samples": float(text[:-1]) / 100}
        if text.isdigit() and int(text) > 0:
            return {"n_samples": int(text)}
        if 0 < float(text) < 1:
            return {"proportion_samples": float(text)}
        if float(text) == int(float(text)) > 0:
            return {"n_samples": int(float(text))}
    except (ValueError, OverflowError):
        pass
    raise UserError(f"--n is {str(n)!r}: it should be a number of images (50) or a share of them (10% or 0.1).")


def objective(text: str) -> dict[str, Any]:
    """``STRATEGY[:INPUT][,FIELD=VALUE ...]`` as an entry of ``strategies``.

    INPUT: a metadata key, or ``scores/TASK/SCORE``, ``scores/COLUMN``, ``predictions/TASK``, ``objects/TASK``, ``random``;
    ``query/FILE``: embeddings, with the images to be like; none: the embeddings.
    ``threshold:KEY>=2`` sets threshold and operation.
    Raises UserError for what is not of this form.
    """
    head, *rest = text.split(",")
    name, colon, of = head.strip().partition(":")
    strategy: dict[str, Any] = {"type": name.strip().upper().replace("-", "_")}
    if found := _THRESHOLD.match(of):
        of = found["input"]
        strategy |= {"threshold": yaml12.parse(found["value"], "--strategy"), "operation": _OPERATIONS[found["sign"]]}
    if strategy["type"] == "THRESHOLD" and len(strategy) == 1 and not rest and colon and of.strip():
        raise UserError(f"--strategy {text}: there is no condition. Write {name}:{of}>5, with <, <=, > or >= and a number of yours.")
    if colon and not of.strip():
        raise UserError(f"--strategy {text}: there is nothing behind the colon. Write {name}:KEY with a key of the metadata.")
    for field in rest:
        key, equals, value = field.partition("=")
        if not equals:
            raise UserError(f"--strategy {text}: {field!r} is no FIELD=VALUE. Fields follow the name with commas, as {name},strength=2.")
        strategy[key.strip().replace("-", "_")] = yaml12.parse(value, "--strategy")
    if strategy["type"] == "RANDOM" and not colon:
        return {"input": {"type": "RANDOM"}, "strategy": {**strategy, "type": "WEIGHTS"}}
    return {"input": _input(of.strip()), "strategy": strategy}


def even(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """``entry``; a balance of which nothing more is said is one of equal shares."""
    said = entry["strategy"]
    if said["type"] != "BALANCE" or "target" in said or "distribution" in said:
        return entry
    return {**entry, "strategy": {**said, "distribution": "UNIFORM"}}


def _input(of: str) -> dict[str, Any]:
    kind, slash, rest = of.partition("/")
    if not of or of.lower() == "embeddings":
        return {"type": "EMBEDDINGS"}
    if of.lower() == "random":
        return {"type": "RANDOM"}
    if slash and kind == "query":
        return {"type": "EMBEDDINGS", "query": {"vectors" if rest.endswith((".npy", ".csv", ".parquet")) else "names": rest}}
    if slash and kind in ("objects", "embeddings"):
        return {"type": "EMBEDDINGS", "task": rest}
    if slash and kind == "predictions":
        return {"type": "PREDICTIONS", "task": rest, "name": "CLASS_DISTRIBUTION"}
    if slash and kind == "scores":
        task, _, score = rest.rpartition("/")
        return {"type": "SCORES", "score": score, **({"task": task} if task else {})}
    return {"type": "METADATA", "key": of}
