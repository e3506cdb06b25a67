"""From a recipe to its images: the training set, the monitoring sets, and what the two share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius import registry, views
from vesalius.data import references, splits
from vesalius.data.dataset import DataSet, divide, open_data, pick_channels, resolve
from vesalius.data.plan import Plan
from vesalius.data.settings import StoreSettings, window_of
from vesalius.data.splits import split_as_innereye
from vesalius.data.table import SampleTable
from vesalius.data.uncertain import firm
from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.errors import UserError
from vesalius.features.records import MARGIN
from vesalius.recipes.config import MonitorConfig, PretrainConfig
from vesalius.recipes.held_out import without_held_out
from vesalius.recipes.loading import needs_labels
from vesalius.recipes.planned import dims_of, noun, plan_for, refuse_volumes_for_images
from vesalius.terminal import Terminal
from vesalius.training.monitor import SeesPaintings


@dataclass(frozen=True)
class Material:
    """``train`` and the records ``rows`` of it that are learnt from; ``monitors``: labelled sets by reference.

    ``main``: the set that ``data.monitor`` names, the one the encoder is examined on. ``overlap``: what training and
    monitoring data share, and how many records were left out for it.
    """

    train: DataSet
    rows: NDArray[np.int64]
    monitors: Mapping[str, DataSet]
    main: str | None
    overlap: Mapping[str, Any]
    channels: int
    seconds: float
    plan: Plan | None = None
    """How volumes were prepared; None for images."""

    @property
    def by_role(self) -> dict[str, DataSet]:
        """``train``, ``monitor`` and further sets by number: names that say nothing of where they lie."""
        further = [data for key, data in self.monitors.items() if key != self.main]
        main = {} if self.examined is None else {"monitor": self.examined}
        return {"train": self.train, **main, **{f"monitor {n}": data for n, data in enumerate(further, 2)}}

    @property
    def examined(self) -> DataSet | None:
        """The labelled set for the examination."""
        return self.monitors.get(self.main) if self.main is not None else None


def monitor_key(config: PretrainConfig, monitor: MonitorConfig) -> str | None:
    """Which monitoring set ``monitor`` reads: one key per reference and label choice; None where there is none."""
    data = monitor.data or config.data.monitor
    labels = monitor.labels if monitor.labels is not None else config.data.labels
    return None if data is None else f"{data}|{labels}"


def load_material(config: PretrainConfig, terminal: Terminal, images: SampleTable | None = None) -> Material:
    """List, divide, check and decode the data of ``config``. Raises UserError in one paragraph for what cannot be used.

    ``images``: the table of ``data.train`` where another verb chose its rows already.
    """
    began = time.perf_counter()
    data = config.data
    if data.mapping is not None and not any(references.takes_mapping(name) for name in (data.train, data.monitor) if name):
        raise UserError(f"data.mapping is {data.mapping}, but neither training nor monitoring data ask whose their images are. Leave it out.")
    dims = dims_of(config)
    table = images if images is not None else resolve(
        data.train,
        root=data.root,
        dims=dims,
        labels=False if dims == 3 and not _reads_labels(config) else None,  # volumes without labels are learnt from too
        subject=data.subject,
        columns=data.columns,
        mapping=data.mapping if references.takes_mapping(data.train) else None,
        filter=data.filter,
        download=data.download,
        allow_leakage=data.allow_leakage,
        limit=data.limit,
        terminal=terminal,
    )
    refuse_volumes_for_images(config, table)
    # one monitor speaks for all of its set: one that needs labels, where there is one
    asked = sorted(config.monitors, key=lambda m: needs_labels(m.name))
    keys = {key: m for m in asked if (key := monitor_key(config, m)) is not None}
    tables = {key: _monitoring_table(config, monitor, table, terminal) for key, monitor in keys.items()}
    main = f"{data.monitor}|{data.labels}" if data.monitor is not None else None
    if images is None and main in tables and data.monitor == data.train and not data.monitor_root and data.monitor_filter is None:
        # one data set in both roles: its validation and test images are not learnt from
        table = tables[main]
    plan = plan_for(config, [table, *tables.values()], terminal)
    if plan is not None and main is None and any(paints(monitor) for monitor in config.monitors):
        table = _with_validation(config, table, terminal)
    settings = plan or _settings(config, table, list(tables.values()))
    train = _unlabelled(open_data(data.train, table, settings, terminal, max_bad_share=data.max_bad_share))
    if len(train.store.ids) < 2:
        raise UserError(f"{data.train} holds {len(train.store.ids)} readable {noun(plan)[:-1]}(s); a pretraining needs at least two.")
    learnt = table.rows("train")
    rows = train.rows("train") if len(learnt) else train.rows()
    monitors = {}
    for key, t in tables.items():
        same = t is table
        monitors[key] = train if same else _unlabelled(open_data(key.partition("|")[0], t, settings, terminal, max_bad_share=data.max_bad_share))
        if monitors[key].store.channels != train.store.channels:
            raise UserError(
                f"The training images have {train.store.channels} channel(s) and those of {key.partition('|')[0]} have "
                f"{monitors[key].store.channels}. Set --data.channels to 1 or 3 for both."
            )
    rows, overlap = without_held_out(train, rows, monitors, data, terminal)
    return Material(train, rows, monitors, main, overlap, train.store.channels, time.perf_counter() - began, plan)


def _unlabelled(data: DataSet) -> DataSet:
    """``data`` without label volumes being read beside every patch."""
    return replace(data, store=data.store.without_labels()) if isinstance(data.store, VolumeStore) else data


def _with_validation(config: PretrainConfig, table: SampleTable, terminal: Terminal) -> SampleTable:
    """``table`` with a validation part, held out by subject where subjects are known: what is painted there was never learnt."""
    if len(table.rows("val")):
        return table
    said = config.data.split
    by = None if said.by == "auto" else said.by
    divided = splits.split(
        table, said.val, by=by, seed=said.seed, allow_leakage=config.data.allow_leakage, require_subjects=config.data.require_subjects
    )
    terminal.say(f"{len(divided.rows('val'))} of {len(table)} volumes validate and are not learnt from (data.split.val {said.val:g}).")
    return divided


def paints(monitor: MonitorConfig) -> bool:
    """Whether ``monitor`` looks at what the method paints of validation samples."""
    return issubclass(registry.entry("monitors", monitor.name).Config, SeesPaintings)


def _reads_labels(config: PretrainConfig) -> bool:
    """Whether a monitor reads label volumes beside the scans it holds out."""
    return any(getattr(registry.entry("monitors", monitor.name).Config, "labelled", False) for monitor in config.monitors)


def _monitoring_table(config: PretrainConfig, monitor: MonitorConfig, table: SampleTable, terminal: Terminal) -> SampleTable:
    data = config.data
    reference = monitor.data or data.monitor
    assert reference is not None
    labels = monitor.labels if monitor.labels is not None else data.labels
    root = data.monitor_root or (data.root if reference == data.train else None)
    main = reference == data.monitor
    found = resolve(
        reference,
        root=root,
        dims=dims_of(config),
        task=data.task if main else None,
        labels=labels,
        subject=data.subject,
        labels_file=data.labels_file if main else None,
        columns=data.columns if _one_source(data.train, reference) else None,
        mapping=data.mapping if references.takes_mapping(reference) else None,
        uncertain=data.uncertain if main else None,
        filter=_rows_meant(config, reference),
        download=data.download,
        allow_leakage=data.allow_leakage,
        limit=data.limit if reference == data.train else None,
        terminal=terminal,
    )
    if needs_labels(monitor.name):
        found.require_task(f"{reference}, which would be watched on,")
    if config.compat == "innereye":
        return firm(split_as_innereye(found, config.seed))
    return divide(found, data.split, allow_leakage=data.allow_leakage, require_subjects=data.require_subjects)


def _rows_meant(config: PretrainConfig, reference: str) -> Any:
    """The filter of a monitoring set: its own, or that of the training images where both are of one source."""
    data = config.data
    if data.monitor_filter is not None and reference == data.monitor:
        return data.monitor_filter
    return data.filter if _one_source(data.train, reference) else None


def _one_source(one: str, other: str) -> bool:
    return references.parse(one).source == references.parse(other).source


def _settings(config: PretrainConfig, table: SampleTable, others: list[SampleTable]) -> StoreSettings:
    """The store's size from the largest view, its channels from the images, equal for all sets of the run."""
    size: Any = config.data.size
    channels: Any = config.data.channels
    if channels == "auto":
        found = {pick_channels(t) for t in (table, *others)}
        channels = found.pop() if len(found) == 1 else 3
    if size == "auto":
        made = views.load(config.views, 1 if channels == 1 else 3).makes
        size = round(MARGIN * max(look_size(config) or 0, *(max(side) for _, side in made.values())))
    window = "file" if config.data.window == "auto" else config.data.window
    return StoreSettings(size=size, channels=channels, window=window_of(window))


def look_size(config: PretrainConfig) -> int | None:
    """``encoder.size``: pixels per side of the images the encoder is examined on, where they are not the views'.

    Raises UserError for what is no number of pixels.
    """
    size = config.encoder.fields.get("size")
    if size is None or (isinstance(size, int) and not isinstance(size, bool) and size > 0):
        return size
    raise UserError(f"encoder.size is {size!r}: give the pixels per side of the images the encoder will look at, such as 32.")
