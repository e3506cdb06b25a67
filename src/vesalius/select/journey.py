"""One job from its images to its results: train, embed, select, report, each stage once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius.data.table import SampleTable
from vesalius.encoders import load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.features import identity
from vesalius.runs import Run
from vesalius.select import embedded, picks_file
from vesalius.select.candidates import Candidates
from vesalius.select.config import SelectConfig
from vesalius.select.embedding import How
from vesalius.select.greedy import choose
from vesalius.select.mapping import placed
from vesalius.select.picks import Picks
from vesalius.select.pool import Pool, pool_of
from vesalius.select.selected import Selected
from vesalius.select.selection import built, needs_vectors, parts, wanted
from vesalius.select.stages import Stages
from vesalius.terminal import Terminal
from vesalius.training.precision import autocast_type

_PUBLIC = ("timm:", "torchvision:")
_TRAINING = "training"
"""The folder of the pretraining's run in the selection's."""


class Journey:
    """The job ``config`` in the folder of ``run``."""

    def __init__(self, config: SelectConfig, run: Run, device: torch.device, terminal: Terminal) -> None:
        self._config, self._run, self._terminal = config, run, terminal
        self._stages = Stages(run, terminal)
        autocast = autocast_type(config.precision, device)
        self._how = How(config.layer, config.normalise, device, autocast, config.batch_size, config.max_bad_share)
        self._tasks = sorted({part.source_config.task for part in parts(config.selection) if part.input == "embeddings"} - {None})

    def finished(self) -> Selected:
        """Every stage, done now or before."""
        pool = pool_of(self._config, self._terminal)
        encoder = self._encoder(pool)
        candidates, table, depends = self._embedded(pool, encoder)
        picks = self._picks(candidates, table, depends)
        selected = self._selected(candidates, table, picks, "" if encoder is None else encoder.card.architecture)
        self._report(selected, depends)
        return selected

    def _encoder(self, pool: Pool) -> Encoder | None:
        """The encoder that is trained, or that was named; None where nothing has to be embedded."""
        config = self._config
        if config.training is not None:
            from vesalius.select.training import train

            folder = self._run.path / _TRAINING
            said = config.model_dump(mode="json")
            depends = {key: said[key] for key in ("training", "model", "encoder", "seed")}

            def work() -> Mapping[str, Any]:
                train(config, pool.table, folder, self._terminal)
                return {"folder": _TRAINING}

            self._stages.run("train", depends, [f"{_TRAINING}/encoder.safetensors"], work)
            return load_encoder(folder)
        self._stages.leave_out("train", "not asked for")
        if config.embeddings is not None or not (needs_vectors(config.selection) or config.encoder):
            return None
        from vesalius.select.checkpoints import encoder_of

        reference = str(encoder_of(config, self._terminal))
        weights = config.weights or (reference if reference.startswith(_PUBLIC) else None)
        options: dict[str, Any] = {} if weights is None else {"weights": weights}
        return load_encoder(reference, code=config.code, **options)

    def _embedded(self, pool: Pool, encoder: Encoder | None) -> tuple[Candidates, SampleTable, Mapping[str, Any]]:
        """The candidates with their vectors, their table, and all that what follows depends on."""
        fingerprint = pool.table.fingerprint()
        if encoder is None:
            self._stages.leave_out("embed", "embeddings are given" if self._config.embeddings else "nothing that was asked for looks at embeddings")
            given = {"data": fingerprint, "embeddings": self._config.embeddings}
            return self._candidates(pool, self._own(pool), {}), pool.table, given
        how = {"layer": self._how.layer, "normalise": self._how.normalise, "tasks": self._tasks}
        depends = {"data": fingerprint, "encoder": identity(encoder), **how}
        files = [embedded.VECTORS, *(embedded.file_of(task) for task in self._tasks)]
        once, at = self._config.remove_exact_duplicates, (self._how, self._run, self._terminal)

        def work() -> Mapping[str, Any]:
            facts = embedded.embed_images(encoder, pool, *at, once=once)
            for task in self._tasks:
                facts[f"objects of {task}"] = embedded.embed_objects(encoder, task, self._crops(pool, task), *at)
            return facts

        self._stages.run("embed", {**depends, "once": once}, files, work)
        found = embedded.read(self._run.path, pool, self._tasks)
        return self._candidates(found.pool, found.vectors, found.objects), found.pool.table, depends

    def _own(self, pool: Pool) -> NDArray[Any] | None:
        """The user's own embeddings."""
        if self._config.embeddings is None:
            return None
        from vesalius.select.embeddings_file import read

        vectors = read(Path(self._config.embeddings), pool.names)
        if not self._config.normalise:
            return vectors
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        normalised: NDArray[Any] = vectors / np.maximum(lengths, 1e-12)
        return normalised

    def _crops(self, pool: Pool, task: str) -> SampleTable:
        from vesalius.select.objects import crops_of

        tiling = next((tiling for tiling in self._config.tiles if tiling.name == task), None)
        return crops_of(pool.table, task, tiling=tiling, padding=self._config.padding, terminal=self._terminal)

    def _candidates(self, pool: Pool, vectors: NDArray[Any] | None, objects: Mapping[str, Any]) -> Candidates:
        if vectors is not None:
            from vesalius.select.soundness import refuse_unsound

            refuse_unsound(vectors, pool.names)
        chosen = self._preselected(pool)
        root, frame = str(pool.table.root), pool.table.frame
        return Candidates(pool.names, vectors, objects, chosen, None, frame, root, self._config.seed, self._terminal)

    def _preselected(self, pool: Pool) -> NDArray[np.int64]:
        """Rows of the images that a list names as selected."""
        if self._config.preselected is None:
            return np.empty(0, np.int64)
        file = Path(self._config.preselected).expanduser()
        try:
            listed = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"The list of selected images {file} could not be read ({type(error).__name__}). Give a text file with a name on each line."
            ) from error
        known = np.isin(np.asarray(listed, dtype=np.str_), pool.names)
        if not known.all():
            unknown = [name for name, there in zip(listed, known, strict=True) if not there]
            self._terminal.say(f"{len(unknown):,} of {len(listed):,} names in {file.name} are no images of these data: {', '.join(unknown[:5])}")
        return np.flatnonzero(np.isin(pool.names, np.asarray(listed, dtype=np.str_)))

    def _picks(self, candidates: Candidates, table: SampleTable, depends: Mapping[str, Any]) -> Picks:
        selection = self._config.selection
        n = wanted(selection, candidates)

        def work() -> Mapping[str, Any]:
            with self._terminal.bar(f"selecting {n:,} of {len(candidates):,}", "picks") as progress:
                picks = choose(candidates, built(selection, candidates), n, progress)
            picks_file.keep(self._run, picks, table.ids)
            if picks.stopped:
                self._terminal.say(f"{len(picks):,} of {n:,} images were selected: {picks.stopped}.")
            return {"selected": len(picks), "stopped": picks.stopped}

        chosen = [f"{int(i):016x}" for i in table.ids[candidates.chosen]]
        whole = {**depends, "selection": selection.model_dump(mode="json"), "n": n, "chosen": chosen, "seed": self._config.seed}
        facts = self._stages.run("select", whole, [picks_file.FILE], work)
        return picks_file.read(self._run.path, table.ids, facts["stopped"])

    def _selected(self, candidates: Candidates, table: SampleTable, picks: Picks, encoder: str) -> Selected:
        labels = {name: table.labels(name) for name in table.label_names}
        xy = None if candidates.vectors is None else placed(candidates.vectors, picks.rows, self._config.seed)[0]
        name = self._config.name or self._run.path.name
        return Selected(name, candidates, picks, labels, table.class_names, xy, encoder)

    def _report(self, selected: Selected, depends: Mapping[str, Any]) -> None:
        """``results.json`` and what the page draws."""

        def work() -> Mapping[str, Any]:
            self._run.write_json("results.json", self._facts(selected))
            return {}

        self._stages.run("report", {**depends, "picked": selected.picks.rows.tolist()}, ["results.json"], work)

    def _facts(self, selected: Selected) -> dict[str, Any]:
        """What was asked for, and of how many."""
        objectives = [
            {"title": part.title, "input": part.input, "strategy": part.strategy, "fields": part.config.model_dump(mode="json")}
            for part in parts(self._config.selection)
        ]
        return {
            "kind": "select",
            "title": f"{len(selected.picks):,} of {len(selected.candidates):,} images",
            "n": len(selected.picks),
            "pool": len(selected.candidates),
            "preselected": len(selected.candidates.chosen),
            "encoder": selected.encoder,
            "strategies": objectives,
            "stopped": selected.picks.stopped,
        }
