"""Keys of ``worker_config`` from before the selection had a dictionary of its own (version 3 of the Worker), in today's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius.errors import UserError

AMOUNT = "worker_config.stopping_condition.n_samples"
"""A number of images, or a share of them where it is not whole."""
_SAID = "worker_config.{} is said as it was before selection_config: it is taken as {}."


def translated(worker: Mapping[str, Any], has_selection: bool) -> tuple[dict[str, Any], list[str]]:
    """Fields of ours that old keys of ``worker`` set, and what they were taken as.

    Raises UserError where they say what to select beside a ``selection_config``, or leave open what they mean.
    """
    fields: dict[str, Any] = {}
    sentences: list[str] = []
    pool = worker.get("datapool") or {}
    if pool.get("name"):
        fields["datapool.use"] = True
        sentences.append(_SAID.format("datapool.name", f"the pool {pool['name']} (use_datapool)"))
    level = worker.get("object_level") or {}
    if worker.get("scorer") and worker.get("method") != "coral":
        sentences.append("worker_config.scorer has no effect: it was of method coral alone.")
    stop = worker.get("stopping_condition") or {}
    given = [name for name, says in (("method", worker.get("method")), ("stopping_condition", stop), ("object_level", level.get("task_name"))) if says]
    if not given:
        return fields, sentences
    if has_selection:
        raise UserError(
            f"worker_config.{given[0]} and selection_config both say what to select. Leave worker_config.{given[0]} out: selection_config replaced it."
        )
    strategies = _strategies(worker, level.get("task_name") or "", stop.get("min_distance", -1))
    fields["selection.strategies"] = strategies
    amount = stop.get("n_samples", -1)
    if amount != -1:
        fields["selection.n_samples" if amount > 1 or isinstance(amount, int) else "selection.proportion_samples"] = amount
    types = " and ".join(entry["strategy"]["type"] for entry in strategies)
    sentences.append(_SAID.format(" and worker_config.".join(given), f"selection_config with {types}"))
    return fields, sentences


def _strategies(worker: Mapping[str, Any], task: str, distance: float) -> list[dict[str, Any]]:
    method = worker.get("method") or "coreset"
    if method == "random":
        if distance > 0:
            raise UserError("worker_config.stopping_condition.min_distance has no meaning with method random. Leave it out, or use method coreset.")
        return [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]
    far = {"stopping_condition_minimum_distance": distance} if distance > 0 else {}
    diverse = {"input": {"type": "EMBEDDINGS", **({"task": task} if task else {})}, "strategy": {"type": "DIVERSITY", **far}}
    if method != "coral":
        return [diverse]
    if not task:
        raise UserError(
            "worker_config.method coral weighs diversity by a score of predictions, and object_level.task_name does not say of which. Give "
            "selection_config with two strategies instead: {input: {type: EMBEDDINGS}, strategy: {type: DIVERSITY}} and "
            "{input: {type: SCORES, task: TASK, score: SCORE}, strategy: {type: WEIGHTS}}."
        )
    score = str(worker.get("scorer") or "object-frequency").replace("-", "_")
    return [diverse, {"input": {"type": "SCORES", "task": task, "score": score}, "strategy": {"type": "WEIGHTS"}}]
