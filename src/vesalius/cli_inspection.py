"""The command line of what looks: ``vesalius data``, ``runs`` and ``recipes``. Each imports its verb inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cyclopts

data_app = cyclopts.App(name="data", help="Data sets and the store of decoded pixels.")
runs_app = cyclopts.App(name="runs", help="Runs: what was done and where it lies.")
recipes_app = cyclopts.App(name="recipes", help="Ready-made configurations and views.")


# ---- data


@data_app.command(name="list")
def data_list() -> None:
    """Sources by name, and what is in the store."""
    from vesalius.inspection import data_list as verb

    verb()


@data_app.command(name="show")
def data_show(
    reference: str,
    /,
    *,
    out: Path | None = None,
    task: str | None = None,
    labels: str | None = None,
    labels_file: str | None = None,
    columns: list[str] | None = None,
    uncertain: str | None = None,
    filter: str | None = None,
    dims: Literal[2, 3] | None = None,
) -> None:
    """First rows and columns of a data set's table; --out writes the table as Parquet.

    Parameters
    ----------
    reference
        NAME[@ROOT], a folder, a table or a .npz file.
    out
        Write the table here.
    task
        One of the source's tasks.
    labels
        Label column of a table.
    labels_file
        CSV of labels for DICOM files, by patient, study, series, object or file.
    columns
        DICOM keywords to keep.
    uncertain
        What uncertain labels count as: ignore, zeros, ones, soft or soft-zeros.
    filter
        Only these rows, as view=frontal or 'sex=F; age=18..65'.
    dims
        2 for images, 3 for volumes; otherwise what the folder holds.
    """
    from vesalius.inspection import data_show as verb

    given = {"task": task, "labels": labels, "labels_file": labels_file, "columns": columns, "uncertain": uncertain, "filter": filter}
    verb(reference, out=out, dims=dims, **given)


@data_app.command(name="check")
def data_check(
    reference: str,
    /,
    *,
    root: str | None = None,
    task: str | None = None,
    labels: str | None = None,
    subject: str | None = None,
    labels_file: str | None = None,
    mapping: str | None = None,
    uncertain: str | None = None,
    filter: str | None = None,
    dims: Literal[2, 3] | None = None,
    decode: bool = True,
) -> None:
    """Counts, class balance, subjects, unreadable files, subjects in two splits.

    Parameters
    ----------
    reference
        NAME[@ROOT], a folder, a table, a list of volumes (.json) or a .npz file.
    root
        Where the paths of a table or a list begin.
    task
        One of the source's tasks.
    labels
        Label column of a table, names of the values of label volumes (background,liver), or false for none.
    subject
        Subject column, or a regular expression with one group on the path.
    labels_file
        CSV of labels for DICOM files, by patient, study, series, object or file.
    mapping
        Whose each radiograph is: RSNA's mapping to NIH's file names, or data with the same images.
    uncertain
        What uncertain labels count as: ignore, zeros, ones, soft or soft-zeros.
    filter
        Only these rows, as view=frontal or 'sex=F; age=18..65'.
    dims
        2 for images, 3 for volumes, as for a folder of DICOM slices; otherwise what the folder holds.
    decode
        Read every image; --no-decode only lists them.
    """
    from vesalius.inspection import data_check as verb

    rows = {"root": root, "dims": dims, "uncertain": uncertain, "filter": filter}
    verb(reference, decode=decode, task=task, labels=labels, subject=subject, labels_file=labels_file, mapping=mapping, **rows)


@data_app.command(name="plan")
def data_plan(reference: str, /, *, root: str | None = None, memory: str | None = None, multiple: int = 16, filter: str | None = None) -> None:
    """How volumes are to be prepared: axes, spacing, intensities, patch, and why; a table, and YAML for a recipe.

    Parameters
    ----------
    reference
        Volumes: NAME[@ROOT], a folder, a table or a list (.json).
    root
        Where the paths of a table or a list begin.
    memory
        What a training step may need, as 8GiB; the patch follows. A source with a plan of its own keeps its patch without it.
    multiple
        Voxels that the sides of the patch are multiples of: 16 for a ViT, 32 for Swin transformers and ResEnc.
    filter
        Only these rows, as modality=CT.
    """
    from vesalius.inspection_plan import data_plan as verb

    verb(reference, root=root, memory=memory, multiple=multiple, filter=filter)


@data_app.command(name="index")
def data_index(
    reference: str,
    /,
    *,
    root: str | None = None,
    filter: str | None = None,
    size: str = "native",
    channels: str = "auto",
    window: str = "file",
    dims: Literal[2, 3] | None = None,
    plan: Path | None = None,
    codec: Literal["raw", "blosc2"] = "raw",
    download: bool = False,
) -> None:
    """Decode a data set into the store ahead of a job; what is not unpacked yet is unpacked first.

    Parameters
    ----------
    reference
        NAME[@ROOT], a folder, a table, a list of volumes (.json) or a .npz file.
    root
        Where the paths of a table or a list begin.
    filter
        Only these rows, as view=frontal or 'sex=F; age=18..65'.
    size
        Shorter side of images in pixels, or native.
    channels
        Of images: 1, 3, keep or auto.
    window
        Black to white of grey DICOM images: file, percentiles, none, or CENTRE,WIDTH.
    dims
        2 for images, 3 for volumes; otherwise what the folder holds.
    plan
        Of volumes: YAML with data.plan, as vesalius data plan prints it or a recipe has it; what it leaves open is the source's.
    codec
        Of volumes: raw, or packed by blosc2.
    download
        Fetch a public data set that is not there.
    """
    from vesalius.inspection import data_index as verb

    images = {"size": size, "channels": channels, "window": window}
    verb(reference, root=root, filter=filter, dims=dims, download=download, images=images, plan=plan, codec=codec)


@data_app.command(name="unpack")
def data_unpack(reference: str, /, *, out: Path | None = None) -> None:
    """Join, check and unpack what was downloaded, where it lies: zips, train.zip.001 ..., tars. Again, it goes on where it stopped.

    Parameters
    ----------
    reference
        NAME@FOLDER, or the folder of the downloads.
    out
        Another folder, when there is no room.
    """
    from vesalius.inspection import data_unpack as verb

    verb(reference, out=out)


@data_app.command(name="locate")
def data_locate(reference: str, /, *ids: str) -> None:
    """The files and original identifiers behind ids of a report: vesalius data locate DATA ID ...

    Parameters
    ----------
    reference
        The data the run was made from.
    ids
        Ids as a report shows them: of images, subjects, studies or series.
    """
    from vesalius.inspection import data_locate as verb

    verb(reference, list(ids))


@data_app.command(name="prune")
def data_prune(*, older_than_days: float | None = None, max_gb: float | None = None, dataset: str | None = None) -> None:
    """Delete decoded pixels by age, size or data set.

    Parameters
    ----------
    older_than_days
        Stores not used for so long.
    max_gb
        The longest unused, until the store is no larger.
    dataset
        The store of this data set.
    """
    from vesalius.inspection import data_prune as verb

    verb(older_than_days=older_than_days, max_gb=max_gb, dataset=dataset)


@data_app.command(name="datapools")
def data_datapools(name: str | None = None, /) -> None:
    """What was selected from growing data sets: every datapool, or the rounds of one.

    Parameters
    ----------
    name
        The data set, as --dataset of vesalius select named it, or its folder.
    """
    from vesalius.inspection import data_datapools as verb

    verb(name)


# ---- runs


@runs_app.command(name="list")
def runs_list() -> None:
    """Every run, newest first."""
    from vesalius.inspection import runs_list as verb

    verb()


@runs_app.command(name="show")
def runs_show(run: str, /) -> None:
    """State, configuration and results of a run.

    Parameters
    ----------
    run
        Folder, id or unique prefix, or latest.
    """
    from vesalius.inspection import runs_show as verb

    verb(run)


@runs_app.command(name="latest")
def runs_latest(*, dataset: str | None = None, with_checkpoint: Annotated[bool, cyclopts.Parameter(negative=())] = False) -> None:
    """The newest run's folder.

    Parameters
    ----------
    dataset
        Only runs on this data set: the name that was given as --dataset, or the folder.
    with_checkpoint
        Only runs that trained an encoder and ended well.
    """
    from vesalius.inspection import runs_latest as verb

    verb(dataset, with_checkpoint=with_checkpoint)


@runs_app.command(name="track")
def runs_track(run: str, /, *fields: Annotated[str, cyclopts.Parameter(allow_leading_hyphen=True, show=False)]) -> None:
    """Send a run to its trackers, what they have not got: vesalius runs track RUN [--tracking mlflow --tracking.mlflow.uri URI]

    Parameters
    ----------
    run
        Folder, id or unique prefix, or latest.
    """
    from vesalius.inspection import runs_track as verb

    verb(run, list(fields))


@runs_app.command(name="checkpoint")
def runs_checkpoint(run: str, /, name: str = "last", *, dataset: str | None = None, out: Path | None = None) -> None:
    """The folder of a run's checkpoint: last, or best-MONITOR; of a selection that trained, the file of its encoder.

    Parameters
    ----------
    run
        Folder, id or unique prefix, or latest.
    name
        last, best-linear, best-knn, best-spread ...
    dataset
        `latest` is the newest run on this data set that has an encoder.
    out
        Write the finished encoder here, as one file for any program: what --encoder, worker_config.checkpoint and export take.
    """
    from vesalius.inspection import runs_checkpoint as verb

    verb(run, name, dataset=dataset, out=out)


@runs_app.command(name="repeat")
def runs_repeat(run: str, /, *, out: Path | None = None) -> None:
    """Do a run again from its record, and compare what it made to the bit: vesalius runs repeat RUN

    Refused where the data, the encoders or the record are not those of the run; leaves with code 1 where anything differs.

    Parameters
    ----------
    run
        A run of pretrain, finetune, embed, evaluate or select: folder, id or unique prefix, or latest.
    out
        The repetition's directory; by default a new one below VESALIUS_RUNS, or ./runs.
    """
    from vesalius.inspection import runs_repeat as verb

    verb(run, out)


# ---- recipes


@recipes_app.command(name="list")
def recipes_list() -> None:
    """Recipes and views recipes by name."""
    from vesalius.inspection import recipes_list as verb

    verb()


@recipes_app.command(name="show")
def recipes_show(name: str, /, *, views: str | None = None, out: Path = Path("views.png"), count: int = 8) -> None:
    """Each field of a recipe with value and meaning; with --views DATA a picture of its views.

    Parameters
    ----------
    name
        A recipe or a views recipe, or a YAML file of either.
    views
        Data whose first images are shown.
    out
        The picture.
    count
        How many images.
    """
    from vesalius.inspection import recipes_show as verb

    verb(name, views=views, out=out, count=count)


# ---- names


def list_names(group: str | None = None, /, *, plugins: Annotated[list[Path] | None, cyclopts.Parameter(negative=())] = None) -> None:
    """What has a name: methods, sources, protocols, strategies and the others, ours and other packages'.

    Parameters
    ----------
    group
        Of one group alone: methods, sources, exports, monitors, trackers, decoders, protocols, zoo, strategies, inputs, formats, boxes, operations.
    plugins
        A Python file of your own whose names are listed too.
    """
    from vesalius.inspection_list import groups

    groups(group, plugins or ())
