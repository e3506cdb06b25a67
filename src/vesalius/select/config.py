"""The whole job in one place: which images, what embeds them, whether it is trained first, what is selected and what is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from vesalius.recipes.data_config import Frozen
from vesalius.select.selection import SelectionConfig

Probability = Annotated[float, Field(ge=0, le=1)]


class AugmentationConfig(Frozen):
    """Changes of the training's views; what is None is the views recipe's own."""

    image_size: int | None = Field(None, ge=8, description="Pixels a side of a view.")
    min_scale: float | None = Field(None, gt=0, le=1, description="Smallest share of an image that a crop shows.")
    colour_p: Probability | None = Field(None, description="How often colours are changed.")
    brightness: Probability | None = Field(None, description="By at most so much, as torchvision has it.")
    contrast: Probability | None = Field(None, description="By at most so much.")
    saturation: Probability | None = Field(None, description="By at most so much.")
    hue: float | None = Field(None, ge=0, le=0.5, description="By at most so much of the colour circle.")
    grey_p: Probability | None = Field(None, description="How often a view is grey.")
    blur_p: Probability | None = Field(None, description="How often a view is blurred.")
    blur_sigma: tuple[float, float] | None = Field(None, description="Standard deviations of the blur, in pixels.")
    blur_kernel: float | None = Field(None, ge=0, description="Side of the blur's kernel, as a share of the view's.")
    horizontal_flip_p: Probability | None = Field(None, description="How often left and right change places.")
    vertical_flip_p: Probability | None = Field(None, description="How often top and bottom do.")
    rotation_p: Probability | None = Field(None, description="How often a view is turned.")
    rotation_degrees: float | None = Field(None, ge=0, le=180, description="At most so far to either side; none: by 90.")


class ModelConfig(Frozen):
    """The network of a training, or what is stated of that of a checkpoint; what is None is not stated."""

    name: str | None = Field(None, description="resnet-18, -34, -50, -101 or -152, or any network of ours.")
    out_dim: int | None = Field(None, ge=1, description="Length of the projected vector.")
    num_ftrs: int | None = Field(None, ge=1, description="Length of the embedding behind the 1x1 convolution; none: the network has no such layer.")
    width: float | None = Field(None, gt=0, description="Factor of the network's channels.")


class TrainingConfig(Frozen):
    """A training on the images before they are embedded."""

    task_name: str = Field("", description="Learn from the objects of this task, cut out, instead of whole images.")
    padding: float = Field(0.0, ge=0, description="Share of an object's sides that is added to them.")
    method: str = Field("simclr", description="simclr, moco, byol or vicreg.")
    epochs: int = Field(100, ge=1, description="How often every image is seen.")
    batch_size: int | None = Field(None, ge=1, description="Images per step; none: 256, where images are few a quarter of them.")
    temperature: float | None = Field(None, gt=0, description="Of simclr and moco; none: 0.1, and moco's own.")
    lr: float | None = Field(None, ge=0, description="Peak learning rate; none: follows from the batch.")
    weight_decay: float | None = Field(None, ge=0, le=1, description="None: 1e-4.")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto takes bf16 where the processor multiplies it.")
    drop_last: bool = Field(True, description="Leave out an epoch's last batch when it is short.")
    augmentation: AugmentationConfig = AugmentationConfig()
    recipe: Mapping[str, Any] = Field({}, description="Any further field of a pretraining recipe, laid over everything else.")


class DatapoolConfig(Frozen):
    """Rounds of selection on data that grow."""

    use: bool = Field(False, description="Count what earlier rounds selected as selected, and add this round.")
    name: str = Field("", description="The pool; none: the dataset's.")
    process_all: bool = Field(False, description="Look at every image, not only at those that are new since the last round.")
    update: bool = Field(True, description="Add this round's selection to the pool.")


class TilingConfig(Frozen):
    """A grid of tiles, each an object of the task ``name``."""

    name: str
    num_rows: int = Field(ge=1, description="Tiles from top to bottom.")
    num_cols: int = Field(ge=1, description="Tiles from left to right.")
    overlap: float = Field(0.0, ge=0, lt=1, description="Share of a tile's sides that its neighbour shows too.")


class SelectConfig(Frozen):
    """One job."""

    data: str = Field(description="The images: NAME[@ROOT], a folder, a .csv or .parquet table, a .npz.")
    dataset: str = Field("", description="Whose runs, checkpoints and pool these are; none: the resolved folder's.")
    encoder: str | None = Field(None, description="What embeds, or where training starts: a run, file, address, model or network.")
    encoder_run: bool = Field(False, description="The encoder is the id of a run, which must have a checkpoint.")
    model: ModelConfig = Field(ModelConfig(), description="The network to train; of an encoder what is stated, and checked against it.")
    layer: str = Field("pooled", description="pooled (the original's features), embedding (behind its 1x1 convolution), or a module by name.")
    normalise: bool = Field(True, description="Divide each vector by its length.")
    embeddings: str | None = Field(None, description="A file of embeddings: nothing is trained or embedded.")
    training: TrainingConfig | None = None
    selection: SelectionConfig
    preselected: str | None = Field(None, description="A list of file names that count as selected.")
    relevant_filenames_file: str | None = Field(None, description="Lines that say which images are meant: paths, prefix*, patterns.")
    path_regex: str | None = Field(None, description="Named groups of the relative path become metadata.")
    tiles: Sequence[TilingConfig] = Field((), description="Grids whose tiles are objects.")
    padding: float = Field(0.0, ge=0, description="Share of an object's sides that is added to them when it is cut out.")
    remove_exact_duplicates: bool = Field(True, description="Of equal files one may be selected.")
    datapool: DatapoolConfig = DatapoolConfig()
    name: str = Field("", description="Of the selection, and a word for the run's folder.")
    write: Sequence[str] = Field((), description="FORMAT=PATH, each a form of the selection for another tool.")
    split: str | None = Field(None, description="Only the rows of train, val or test.")
    task: str | None = Field(None, description="One of the source's tasks, for the labels in the report.")
    labels: str | Sequence[str] | None = Field(None, description="Label column(s) of a table, for the report.")
    uncertain: str | Mapping[str, Any] | None = Field(None, description="What uncertain labels count as.")
    subject: str | None = Field(None, description="Subject column, or a regular expression with one group on the path.")
    filter: str | Mapping[str, Any] | None = Field(None, description="Rows that are meant, as view=frontal.")
    limit: int | None = Field(None, ge=2, description="Use the first so many images.")
    download: bool = Field(False, description="Fetch a public data set that is not there yet.")
    max_bad_share: Probability = Field(0.05, description="More unreadable files than this ends the job.")
    weights: str | None = Field(None, description="Where a network's name gets its weights from.")
    code: str | None = Field(None, description="The file of a network of your own, where it is not in the current folder.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    precision: Literal["fp32", "bf16", "auto"] = Field("fp32", description="Of embedding: fp32, bf16 or auto.")
    batch_size: int = Field(256, ge=1, description="Images per forward pass of embedding.")
    threads: int | None = Field(None, ge=1, description="CPU threads; torch's choice when absent.")
    seed: int = Field(1, description="Of every random number.")
    compat: Literal["none", "lightly-worker"] = Field("none", description="Whose defaults are to be reproduced.")
    plugins: Sequence[str] = Field((), description="Python files with strategies, inputs, sources of your own.")

    @model_validator(mode="after")
    def _fits_together(self) -> SelectConfig:
        if self.embeddings and self.training is not None:
            raise ValueError("embeddings are given, so nothing is trained: leave out embeddings, or training (enable_training)")
        if self.embeddings and self.encoder:
            raise ValueError("embeddings and an encoder are both given: leave out one of them")
        return self


def configured(source: str | Path | Mapping[str, Any] | None = None, **fields: Any) -> tuple[SelectConfig, list[str]]:
    """The checked job and what to tell the user of it.

    ``source``: a YAML file or a mapping with ``worker_config``, ``selection_config`` and ``lightly_config`` (in snake or camel case)
    beside fields of ours, or None. ``fields``: fields of ours, dotted where they lie deeper (``training.epochs``), the three
    dictionaries, ``n`` (50, 0.1 or 10%) and ``strategy`` (see ``short_form``). Raises UserError naming the key and the nearest known one.
    """
    from vesalius.select.job import read

    return read(source, fields)
