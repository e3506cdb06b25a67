"""One job from its images to its results: train, embed, select, report, each stage once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius.data.dataset import DataSet
from vesalius.data.table import SampleTable
from vesalius.encoders import load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.saving import weights_hash
from vesalius.features import identity
from vesalius.runs import Run
from vesalius.runs.checkpoints import FILE as CHECKPOINT
from vesalius.select import embedded, picks_file
from vesalius.select.candidates import Candidates
from vesalius.select.config import SelectConfig
from vesalius.select.describing import Asked, describe
from vesalius.select.duplicates import usable
from vesalius.select.embedding import How, opened
from vesalius.select.greedy import choose
from vesalius.select.growing import Joined, Round
from vesalius.select.mapping import keep_array, placed
from vesalius.select.nearest_before import nearest_before
from vesalius.select.picks import Picks
from vesalius.select.pool import Pool, pool_of
from vesalius.select.preselection import listed
from vesalius.select.selected import Selected
from vesalius.select.selection import built, needs_vectors, parts, read_values, wanted
from vesalius.select.soundness import refuse_unsound
from vesalius.select.stages import Stages
from vesalius.select.training import warnings
from vesalius.terminal import Terminal
from vesalius.training.precision import autocast_type

_PUBLIC = ("timm:", "torchvision:")
_TRAINING = "training"
"""The folder of the pretraining's run in the selection's."""
_MAP = "map.npy"


class Journey:
    """The job ``config`` in the folder of ``run``; ``dataset``: whose it is."""

    def __init__(self, config: SelectConfig, run: Run, dataset: str, device: torch.device, terminal: Terminal) -> None:
        self._config, self._run, self._terminal = config, run, terminal
        self._stages = Stages(run, terminal)
        autocast = autocast_type(config.precision, device)
        self._how = How(config.layer, config.normalise, device, autocast, config.batch_size, config.max_bad_share)
        self._tasks = sorted({part.source_config.task for part in parts(config.selection) if part.input == "embeddings"} - {None})
        pool = config.datapool
        self._round = Round(pool.name or dataset, run, process_all=pool.process_all, terminal=terminal) if pool.use else None

    def finished(self) -> Selected:
        """Every stage, done now or before."""
        whole = pool_of(self._config, self._terminal)
        pool = whole if self._round is None else self._round.looked_at(whole)
        wanted(self._config.selection, Candidates(pool.names))  # too many are refused before anything is trained
        encoder = self._encoder(pool)
        candidates, table, depends = self._embedded(pool, encoder)
        picks = self._picks(candidates, depends)
        if self._round is not None and self._config.datapool.update:
            self._round.add(picks, _ids(candidates), candidates.vectors, self._maker(encoder))
        return self._reported(candidates, table, picks, encoder, depends)

    # ---- train

    def _encoder(self, pool: Pool) -> Encoder | None:
        """The encoder that is trained, or that was named; None where nothing has to be embedded."""
        config = self._config
        if config.training is not None:
            from vesalius.encoders.exporting.lightly import keep
            from vesalius.select.training import train

            folder = self._run.path / _TRAINING
            said = config.model_dump(mode="json")
            depends = {key: said[key] for key in ("training", "model", "encoder", "seed")}

            def work() -> Mapping[str, Any]:
                train(config, pool.table, folder, self._terminal)
                keep(load_encoder(folder), folder / CHECKPOINT)
                return {"folder": _TRAINING}

            self._stages.run("train", depends, [f"{_TRAINING}/encoder.safetensors"], work)
            return load_encoder(folder)
        self._stages.leave_out("train", "not asked for")
        if config.embeddings is not None or not (needs_vectors(config.selection) or config.encoder):
            return None
        from vesalius.select.checkpoints import encoder_of

        reference = str(encoder_of(config, self._terminal, self._run.facts()["started"]))
        weights = config.weights or (reference if reference.startswith(_PUBLIC) else None)
        options: dict[str, Any] = {} if weights is None else {"weights": weights}
        return load_encoder(reference, code=config.code, **options)

    # ---- embed

    def _embedded(self, pool: Pool, encoder: Encoder | None) -> tuple[Candidates, SampleTable, Mapping[str, Any]]:
        """The candidates with their vectors, the table of the images, and all that what follows depends on."""
        fingerprint = pool.table.fingerprint()
        if encoder is None:
            self._stages.leave_out("embed", "embeddings are given" if self._config.embeddings else "nothing that was asked for looks at embeddings")
            once = self._config.remove_exact_duplicates
            given = {"data": fingerprint, "embeddings": self._config.embeddings, "once": once}
            pool = usable(pool, self._run, self._terminal, once=once, before=self._before())
            if (own := self._own(pool)) is None:
                return self._candidates(pool, None, {}, ""), pool.table, given
            vectors, masked, selected = own
            pool = pool.take(~masked)
            return self._candidates(pool, vectors[~masked] if masked.any() else vectors, {}, "", selected[~masked]), pool.table, given
        how = {"layer": self._how.layer, "normalise": self._how.normalise, "tasks": self._tasks}
        depends = {"data": fingerprint, "encoder": identity(encoder), **how}
        files = [embedded.VECTORS, *(embedded.file_of(task) for task in self._tasks)]
        once, at = self._config.remove_exact_duplicates, (self._how, self._run, self._terminal)
        before = self._before()

        def work() -> Mapping[str, Any]:
            facts = embedded.embed_images(encoder, pool, *at, once=once, before=before)
            for task in self._tasks:
                facts[f"objects of {task}"] = embedded.embed_objects(encoder, task, self._crops(pool, task), *at)
            return facts

        self._stages.run("embed", {**depends, "once": once}, files, work)
        found = embedded.read(self._run.path, pool, self._tasks)
        return self._candidates(found.pool, found.vectors, found.objects, self._maker(encoder)), found.pool.table, depends

    def _before(self) -> NDArray[np.uint64]:
        """The ids of what earlier rounds selected."""
        return np.empty(0, np.uint64) if self._round is None else self._round.members

    def _own(self, pool: Pool) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]] | None:
        """The user's own embeddings, which of them are to be ignored, and which were selected before."""
        if self._config.embeddings is None:
            return None
        from vesalius.select.embeddings_file import with_marks

        named = Path(self._config.embeddings).expanduser()
        below = Path(pool.table.root) / ".lightly" / "embeddings" / named  # where the original looks
        vectors, masked, selected = with_marks(below if not named.exists() and below.is_file() else named, pool.names)
        if not self._config.normalise:
            return vectors, masked, selected
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-12), masked, selected

    def _crops(self, pool: Pool, task: str) -> SampleTable:
        from vesalius.select.objects import crops_of

        tiling = next((tiling for tiling in self._config.tiles if tiling.name == task), None)
        return crops_of(pool.table, task, tiling=tiling, padding=self._config.padding, terminal=self._terminal)

    def _maker(self, encoder: Encoder | None) -> str:
        """What a datapool calls the origin of vectors."""
        if encoder is not None:
            return f"{weights_hash(encoder)} {self._how.layer}"
        return "file" if self._config.embeddings else "none"

    def _candidates(
        self, pool: Pool, vectors: NDArray[Any] | None, objects: Mapping[str, Any], maker: str, marked: NDArray[np.bool_] | None = None
    ) -> Candidates:  # fmt: skip
        """``marked`` (n,): images of the pool that a file of embeddings says were selected."""
        if vectors is not None:
            refuse_unsound(vectors, pool.names)
        rows = Joined(pool.names, pool.table.ids, vectors, np.empty(0, np.int64))
        if self._round is not None:
            rows = self._round.joined(pool.names, pool.table.ids, vectors, maker or self._maker(None))
        frame = pool.table.frame
        if len(rows.ids) != len(frame):  # a datapool's members whose files have vanished are known by id alone
            frame = frame.set_index("id").reindex(rows.ids).reset_index()
        chosen = np.union1d(rows.chosen, listed(self._config.preselected, rows.names, self._terminal))
        if marked is not None:
            chosen = np.union1d(chosen, np.flatnonzero(np.isin(rows.names, pool.names[marked])))
        return Candidates(
            rows.names, rows.vectors, objects, chosen, frame=frame, root=str(pool.table.root), seed=self._config.seed, terminal=self._terminal,
            table=pool.table,
        )  # fmt: skip

    # ---- select

    def _picks(self, candidates: Candidates, depends: Mapping[str, Any]) -> Picks:
        selection, ids = self._config.selection, _ids(candidates)
        n = wanted(selection, candidates)

        def work() -> Mapping[str, Any]:
            with self._terminal.bar(f"selecting {n:,} of {len(candidates):,}", "picks") as progress:
                picks = nearest_before(choose(candidates, built(selection, candidates), n, progress), candidates)
            picks_file.keep(self._run, picks, ids)
            if picks.stopped:
                self._terminal.say(f"{len(picks):,} of {n:,} images were selected: {picks.stopped}.")
            return {"selected": len(picks), "stopped": picks.stopped}

        chosen = [f"{int(i):016x}" for i in ids[candidates.chosen]]
        whole = {**depends, "selection": selection.model_dump(mode="json"), "n": n, "chosen": chosen, "seed": self._config.seed}
        facts = self._stages.run("select", whole, [picks_file.FILE], work)
        return picks_file.read(self._run.path, ids, facts["stopped"])

    # ---- report

    def _reported(
        self, candidates: Candidates, table: SampleTable, picks: Picks, encoder: Encoder | None, depends: Mapping[str, Any]
    ) -> Selected:  # fmt: skip
        """``results.json``, the map and the pictures that the page draws."""
        frame, config = candidates.frame, self._config
        assert frame is not None
        labels = {name: frame[f"label.{name}"].to_numpy(np.float64) for name in table.label_names}
        title = "" if encoder is None else encoder.card.architecture
        plain = Selected(config.name or self._run.path.name, candidates, picks, labels, table.class_names, None, title, table)

        def work() -> Mapping[str, Any]:
            said = ""
            if candidates.vectors is not None:
                xy, said = placed(candidates.vectors, picks.rows, config.seed)
                keep_array(self._run.path / _MAP, xy)
            values = read_values(config.selection, candidates)
            about = Asked(config.seed, values, None, said)
            told = describe(self._mapped(plain), self._run, self._pixels(table, encoder), about)
            self._run.write_json("results.json", {**self._facts(plain), **told})
            return {}

        self._stages.run("report", {**depends, "picked": [f"{int(i):016x}" for i in _ids(candidates)[picks.rows]]}, ["results.json"], work)
        return self._mapped(plain)

    def _mapped(self, selected: Selected) -> Selected:
        """``selected`` with the map that was kept."""
        if selected.candidates.vectors is None:
            return selected
        return replace(selected, map=np.load(self._run.path / _MAP, allow_pickle=False))

    def _pixels(self, table: SampleTable, encoder: Encoder | None) -> DataSet | None:
        """The decoded images, which have been decoded already."""
        return None if encoder is None else opened(encoder, table, self._how, self._terminal)

    def _facts(self, selected: Selected) -> dict[str, Any]:
        """What was asked for, and of how many."""
        objectives = [
            {"title": part.title, "input": part.input, "strategy": part.strategy, "fields": part.config.model_dump(mode="json")}
            for part in parts(self._config.selection)
        ]
        history = {} if self._round is None else {"datapool": self._round.history()}
        title = f"{len(selected.picks):,} of {len(selected.candidates):,} images"
        against = warnings(self._config, self._run.path / _TRAINING)
        return {"kind": "select", "title": title, "strategies": objectives, "warnings": against, **history}


def _ids(candidates: Candidates) -> NDArray[np.uint64]:
    assert candidates.frame is not None
    found: NDArray[np.uint64] = candidates.frame["id"].to_numpy(np.uint64)
    return found
