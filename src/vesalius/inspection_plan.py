"""``vesalius data plan``: the plan of a data set of volumes, with reasons, as a table and as YAML to paste."""

from __future__ import annotations

from typing import Any

from vesalius.errors import UserError
from vesalius.terminal import Terminal, answer, table


def data_plan(reference: str, *, root: str | None, memory: str | None, multiple: int, filter: str | None) -> None:
    """Print what ``data.planning.planned`` makes of ``reference``. Raises UserError where it holds no volumes."""
    import yaml

    from vesalius.data.dataset import resolve
    from vesalius.data.planning import memory_of, planned

    room = None if memory is None else memory_of(memory)
    if multiple < 1:
        raise UserError(f"--multiple is {multiple}: the sides of a patch are multiples of a number of voxels, such as 16.")
    terminal = Terminal()
    found = resolve(reference, root=root, dims=3, filter=filter, terminal=terminal, allow_leakage=True, least=1)
    with terminal.bar("looking at volumes", "volumes") as progress:
        made = planned(found, memory=room, multiple=multiple, progress=lambda done, total=None, *_: progress(done, total))
    shown = made.plan.model_dump()
    table(f"Plan for {reference}", ["field", "value", "why"], [[name, _said(value), made.why[name]] for name, value in shown.items()])
    for remark in made.remarks:
        terminal.say(remark)
    answer(yaml.safe_dump(made.as_recipe(), sort_keys=False, default_flow_style=None).rstrip())


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_said(of)}" for key, of in value.items() if of is not None)
    return " x ".join(f"{side:g}" for side in value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
