"""Which plan volumes are segmented by: that of the encoder, whatever the data's own; every other wish is warned about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from vesalius.data.plan import Plan
from vesalius.data.planning import MULTIPLE, planned
from vesalius.data.table import SampleTable
from vesalius.errors import UserError


def resolved(asked: Mapping[str, Any], learnt: Plan | None, table: SampleTable, multiple: int = MULTIPLE) -> tuple[Plan, list[str]]:
    """The plan with the fields ``asked`` laid over it, and a sentence for each that is not as the encoder ``learnt`` it.

    Where the encoder has no plan, the source's own is taken, or one made of the data's fingerprint, the sides of its patch multiples of
    ``multiple``. Raises UserError for values that are none of a plan.
    """
    if learnt is None:
        return planned(table, asked, multiple=multiple).plan, []
    plan = laid_over(learnt, asked)
    return plan, [
        f"data.plan.{name} is {_said(now)}, but the encoder learnt from volumes prepared with {_said(was)}: what it has learnt may be of less use."
        for name in Plan.model_fields
        if (now := getattr(plan, name)) != (was := getattr(learnt, name))
    ]


def laid_over(plan: Plan, asked: Mapping[str, Any]) -> Plan:
    """``plan`` with other fields; ``intensity`` is replaced as a whole where its rule changes.

    Raises UserError for a field or value that a plan has not.
    """
    fields = plan.model_dump()
    given = {key: value for key, value in asked.items() if key in fields and (value is not None or key == "spacing")}
    intensity = given.get("intensity")
    if isinstance(intensity, Mapping) and intensity.get("rule", plan.intensity.rule) == plan.intensity.rule:
        given["intensity"] = {**fields["intensity"], **intensity}
    try:
        return Plan.model_validate({**fields, **given})
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, ("data", "plan", *fault["loc"])))
        raise UserError(f"{place}: {fault['msg'].removeprefix('Value error, ')}. See docs/volume-segmentation.md on plans.") from None


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return "×".join(f"{side:g}" for side in value)
    if hasattr(value, "rule"):
        ends = "" if value.low is None else f" {value.low:g} to {value.high:g}"
        return f"{value.rule}{ends}" + ("" if value.clip or value.rule not in ("window", "percentiles") else ", not cut off")
    return "each volume's own" if value is None else str(value)
