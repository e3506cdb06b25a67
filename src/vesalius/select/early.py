"""What can be known to fail before anything is trained or embedded: names, keys, tasks and files that are not there."""

from __future__ import annotations

from collections.abc import Sequence

from vesalius.select.candidates import Candidates
from vesalius.select.config import SelectConfig
from vesalius.select.objects import crops_of, tasks_of
from vesalius.select.pool import Pool
from vesalius.select.preselection import refuse_strangers
from vesalius.select.selection import parts, wanted
from vesalius.select.writing import refuse_unfit


def refuse_early(config: SelectConfig, pool: Pool, looked_at: Pool, tasks: Sequence[str]) -> None:
    """Raise UserError for what would end the job later, where it can be seen without pixels.

    ``pool``: the images of the data; ``looked_at``: those of them that may be selected or count as chosen. ``tasks``: whose objects are
    embedded. Looked at are the number asked for, the list of preselected images, each format's ``refuse_early(table)`` and each input's
    ``refuse_early(config, candidates)``, where they have one.
    """
    wanted(config.selection, Candidates(looked_at.names), final=False)
    refuse_strangers(config.preselected, pool.names)
    refuse_unfit(config.write, pool.table)
    for task in tasks:
        if task not in tasks_of(pool.table, config.tiles):
            crops_of(pool.table, task)  # which says what there is
    frame, root = looked_at.table.frame, str(looked_at.table.root)
    candidates = Candidates(looked_at.names, frame=frame, root=root, seed=config.seed, table=looked_at.table)
    for part in parts(config.selection):
        if look := getattr(part.source, "refuse_early", None):
            look(part.source_config, candidates)
