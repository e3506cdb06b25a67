"""One job from its images to its results: train, embed, select, report, each stage once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius import random
from vesalius.data.dataset import DataSet
from vesalius.data.table import SampleTable
from vesalius.encoders import load_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.loading import PUBLIC, by_chance
from vesalius.encoders.saving import weights_hash
from vesalius.features import identity
from vesalius.features.origin import origin
from vesalius.runs import Run
from vesalius.runs.checkpoints import FILE as CHECKPOINT
from vesalius.select import embedded, picks_file
from vesalius.select.candidates import Candidates
from vesalius.select.config import SelectConfig
from vesalius.select.described.pictures import pairs, to_show
from vesalius.select.described.probe import MOST, Tested, asks, held_out
from vesalius.select.describing import Asked, describe
from vesalius.select.duplicates import usable
from vesalius.select.early import refuse_early
from vesalius.select.embedded import Embedded
from vesalius.select.embedding import How, opened, to_look_at, vectors_of
from vesalius.select.greedy import choose
from vesalius.select.growing import Round
from vesalius.select.mapping import keep_array, placed
from vesalius.select.material import candidates_of, own_embeddings
from vesalius.select.nearest_before import nearest_before
from vesalius.select.picks import Picks
from vesalius.select.pool import Pool, pool_of
from vesalius.select.selected import Selected
from vesalius.select.selection import built, needs_vectors, parts, read_values, wanted
from vesalius.select.stages import Stages
from vesalius.select.training import warnings
from vesalius.terminal import Terminal
from vesalius.training.precision import autocast_type

_TRAINING = "training"
"""The folder of the pretraining's run in the selection's."""
_MAP, _POOL = "map.npy", "pool.npy"
"""Where each candidate lies on the picture of the embeddings; the ids of the images as they were when the job was started."""


class Journey:
    """The job ``config`` in the folder of ``run``; ``dataset``: whose it is; ``over``: it is done, and only read again."""

    def __init__(self, config: SelectConfig, run: Run, dataset: str, device: torch.device, terminal: Terminal, *, over: bool = False) -> None:
        self._config, self._run, self._terminal = config, run, terminal
        self._stages = Stages(run, terminal, over)
        autocast = autocast_type(config.precision, device)
        self._how = How(config.layer, config.normalise, device, autocast, config.batch_size, config.max_bad_share)
        self._tasks = sorted({part.source_config.task for part in parts(config.selection) if part.input == "embeddings"} - {None})
        pool = config.datapool
        self._round = Round(pool.name or dataset, run, process_all=pool.process_all, terminal=terminal) if pool.use else None

    def finished(self) -> Selected:
        """Every stage, done now or before."""
        whole = self._meant(pool_of(self._config, self._terminal))
        pool = whole if self._round is None else self._round.looked_at(whole)
        refuse_early(self._config, whole, pool, self._tasks)
        encoder = self._encoder(pool)
        found, depends = self._embedded(pool, encoder)
        self._run.record(made_from=self._origin(whole.table, found.pool.table, encoder))
        candidates = candidates_of(found, self._config, self._round, self._maker(encoder), self._terminal)
        picks = self._picks(candidates, depends)
        if self._round is not None and self._config.datapool.update:
            self._round.add(picks, _ids(candidates), candidates.vectors, self._maker(encoder))
        return self._reported(candidates, found.pool.table, whole.test, picks, encoder, depends)

    def _meant(self, pool: Pool) -> Pool:
        """The images that there were when the job was started: those that have come since are no part of it."""
        file = self._run.path / _POOL
        if not file.exists():
            keep_array(file, pool.table.ids)
            return pool
        known = np.isin(pool.table.ids, np.load(file, allow_pickle=False))
        if not known.all():
            self._terminal.say(f"{int((~known).sum()):,} images have come since this selection was started; they are no part of it.")
        return pool if known.all() else pool.take(known)

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
        weights = config.weights or (reference if reference.startswith(PUBLIC) else None)
        options: dict[str, Any] = {} if weights is None else {"weights": weights}
        if (warning := by_chance(reference, weights)) and self._stages.known.get("embed", {}).get("state") != "done":
            self._terminal.say(warning)
        return load_encoder(reference, code=config.code, **options)

    # ---- embed

    def _embedded(self, pool: Pool, encoder: Encoder | None) -> tuple[Embedded, Mapping[str, Any]]:
        """The images that can be selected, with their vectors, and all that what follows depends on."""
        config, once = self._config, self._config.remove_exact_duplicates
        fingerprint, before = pool.table.fingerprint(), np.empty(0, np.uint64) if self._round is None else self._round.members
        if encoder is None:
            self._stages.leave_out("embed", "embeddings are given" if config.embeddings else "nothing that was asked for looks at embeddings")
            there = usable(pool, self._run, self._terminal, once=once, before=before)
            found = Embedded(there) if config.embeddings is None else own_embeddings(config, there)
            return found, {"data": fingerprint, "embeddings": config.embeddings, "once": once}
        how = {"layer": self._how.layer, "normalise": self._how.normalise, "tasks": self._tasks}
        depends = {"data": fingerprint, "encoder": identity(encoder), **how}
        files = [embedded.VECTORS, *(embedded.file_of(task) for task in self._tasks)]
        at = (self._how, self._run, self._terminal)

        def work() -> Mapping[str, Any]:
            facts = embedded.embed_images(encoder, pool, *at, once=once, before=before)
            for task in self._tasks:
                facts[f"objects of {task}"] = embedded.embed_objects(encoder, task, self._crops(pool, task), *at)
            return facts

        self._stages.run("embed", {**depends, "once": once}, files, work)
        return embedded.read(self._run.path, pool, self._tasks), depends

    def _origin(self, whole: SampleTable, usable: SampleTable, encoder: Encoder | None) -> Mapping[str, Any]:
        """What the record says of the images and of an encoder that was not trained here."""
        if encoder is None:
            return origin({"data": whole})
        pixels = opened(encoder, usable, self._how, self._terminal)
        return origin({"data": whole, "candidates": pixels}, {} if self._config.training is not None else {"encoder": encoder})

    def _crops(self, pool: Pool, task: str) -> SampleTable:
        from vesalius.select.objects import crops_of

        tiling = next((tiling for tiling in self._config.tiles if tiling.name == task), None)
        told = self._config.training is not None and self._config.training.task_name == task  # what could not be cut out the training has said
        return crops_of(pool.table, task, tiling=tiling, padding=self._config.padding, terminal=None if told else self._terminal)

    def _maker(self, encoder: Encoder | None) -> str:
        """What a datapool calls the origin of vectors."""
        if encoder is not None:
            return f"{weights_hash(encoder)} {self._how.layer}"
        return "file" if self._config.embeddings else "none"

    # ---- select

    def _picks(self, candidates: Candidates, depends: Mapping[str, Any]) -> Picks:
        selection, ids = self._config.selection, _ids(candidates)
        n = wanted(selection, candidates)

        def work() -> Mapping[str, Any]:
            with self._terminal.bar(f"selecting {n:,} of {len(candidates):,}", "picks") as progress:
                picks = nearest_before(choose(candidates, built(selection, candidates), n, progress), candidates)
            picks_file.keep(self._run, picks, ids)
            if picks.stopped:
                self._terminal.say(f"{len(picks):,} of {n:,} images {'was' if len(picks) == 1 else 'were'} selected: {picks.stopped}.")
            return {"selected": len(picks), "stopped": picks.stopped}

        chosen = [f"{int(i):016x}" for i in ids[candidates.chosen]]
        whole = {**depends, "selection": selection.model_dump(mode="json"), "n": n, "chosen": chosen, "seed": self._config.seed}
        facts = self._stages.run("select", whole, [picks_file.FILE], work)
        return picks_file.read(self._run.path, ids, facts["stopped"])

    # ---- report

    def _reported(
        self, candidates: Candidates, table: SampleTable, test: SampleTable | None, picks: Picks, encoder: Encoder | None, depends: Mapping[str, Any]
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
            odd = pairs(plain, config.seed)
            about = Asked(config.seed, values, self._tested(plain, test, encoder), said, odd)
            told = describe(self._mapped(plain), self._run, self._pixels(plain, encoder, odd), about)
            self._run.write_json("results.json", {**self._facts(plain), **told})
            return {}

        self._stages.run("report", {**depends, "picked": [f"{int(i):016x}" for i in _ids(candidates)[picks.rows]]}, ["results.json"], work)
        return self._mapped(plain)

    def _mapped(self, selected: Selected) -> Selected:
        """``selected`` with the map that was kept."""
        if selected.candidates.vectors is None:
            return selected
        xy = np.load(self._run.path / _MAP, allow_pickle=False)
        return replace(selected, map=xy) if len(xy) == len(selected.candidates) else selected  # of a job that is done files may have vanished

    def _tested(self, selected: Selected, test: SampleTable | None, encoder: Encoder | None) -> Tested | None:
        """The data's own test split, embedded as the candidates were; None where there is none, or nothing to ask of it."""
        if test is None or encoder is None or not asks(selected):
            return None
        drawn = random.permutation(random.digest64("test split of a selection", self._config.seed), 0, len(test))[:MOST]
        data = opened(encoder, test.subset(np.sort(drawn)), self._how, self._terminal)
        rows = data.rows()
        vectors = vectors_of(encoder, data, rows, self._how, self._terminal, "embedding the test split")
        return held_out(selected, data.table.frame.iloc[data.table_rows(rows)], vectors)

    def _pixels(self, selected: Selected, encoder: Encoder | None, odd: Mapping[str, Any]) -> DataSet | None:
        """The images as they were decoded for the encoder; without one those that are shown, decoded for that."""
        table = selected.table
        assert table is not None
        if encoder is not None:
            return opened(encoder, table, self._how, self._terminal)
        if table.dims == 3:
            return None
        shown = np.isin(table.ids, _ids(selected.candidates)[to_show(selected, odd, self._config.seed)])
        return to_look_at(table.subset(shown), self._terminal)

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
