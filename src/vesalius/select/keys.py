"""Every key of the Lightly Worker's three dictionaries and what becomes of it here: the one table of them.

``path``: dotted, ``[]`` behind a list. A key ``works`` (``to`` is the field of ours that it sets, ``turn`` changes its value), is
``accepted`` with the sentence ``says``, because it has no meaning on one machine, belongs to ``video``, or asks for what there is not
here (``refused``): the last two are refused with ``says`` unless the value is one of ``harmless``. ``worker``: the Worker's default;
``ours``: our default where it is another, with the reason. ``old``: a name from before version 3 of the selection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

Fate = Literal["works", "accepted", "video", "refused"]
Probability = Annotated[float, Field(ge=0, le=1)]
AtLeastOne = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Cores = Annotated[int, Field(ge=-1)]
NONE = object()
"""No default: the key sets nothing when it is left out."""


@dataclass(frozen=True)
class Key:
    """See above. ``kind``: the type of its values, with their range, as pydantic reads it."""

    path: str
    kind: Any
    fate: Fate
    to: str = ""
    says: str = ""
    turn: Callable[[Any], Any] | None = None
    worker: Any = NONE
    ours: str = ""
    harmless: Sequence[Any] = ()
    old: bool = False


def _none_if_empty(value: Any) -> Any:
    return value or None


def _cores(value: int) -> int | None:
    return value if value > 0 else None


def _count(value: int) -> int | None:
    return None if value == -1 else value


def _bits(value: int) -> str:
    return {16: "bf16", 32: "fp32"}[value]


def _degrees(value: float | Sequence[float] | None) -> float | None:
    return value if value is None or isinstance(value, int | float) else max(abs(one) for one in value)


_W, _S, _L = "worker_config.", "selection_config.", "lightly_config."
_INPUT, _STRATEGY, _AUTO = f"{_S}strategies[].input.", f"{_S}strategies[].strategy.", f"{_S}auto_tasks[]."
_A = "training.augmentation."
_NOT_A_VIDEO = "images are selected one by one here, and sequences of a video's frames are not: leave it at 1, and extract the frames that are meant"

WORKER: Sequence[Key] = (
    Key(f"{_W}enable_training", bool, "works", "training", worker=False),
    Key(f"{_W}training.task_name", str, "works", "training.task_name", worker=""),
    Key(f"{_W}checkpoint", str, "works", "encoder", turn=_none_if_empty, worker=""),
    Key(f"{_W}checkpoint_run_id", str, "works", "encoder", turn=_none_if_empty),
    Key(f"{_W}embeddings", str, "works", "embeddings", turn=_none_if_empty, worker=""),
    Key(f"{_W}normalize_embeddings", bool, "works", "normalise", worker=True),
    Key(f"{_W}use_datapool", bool, "works", "datapool.use", worker=False),
    Key(f"{_W}datasource.process_all", bool, "works", "datapool.process_all", worker=False),
    Key(f"{_W}datasource.enable_datapool_update", bool, "works", "datapool.update", worker=True),
    Key(f"{_W}datasource.bypass_verify", bool, "accepted", says="files are read when they are embedded, and no permission is asked for before", worker=False),
    Key(
        f"{_W}datasource.input_expiration.min_days_to_expiration", NotNegative, "accepted",
        says="files on this machine are kept until you delete them",
    ),
    Key(
        f"{_W}datasource.input_expiration.handling_strategy", Literal["SKIP", "ABORT"], "accepted",
        says="files on this machine are kept until you delete them",
    ),
    Key(
        f"{_W}corruptness_check.corruption_threshold", Probability, "accepted", worker=0.1,
        says="it rates the frames of a video; images that cannot be read are left out and named, more than max_bad_share of them end the job",
    ),
    Key(f"{_W}enable_corruptness_check", bool, "accepted", says="every image is looked at when it is decoded, always", worker=True, old=True),
    Key(f"{_W}remove_exact_duplicates", bool, "works", "remove_exact_duplicates", worker=True, old=True),
    Key(f"{_W}crops.enable_upload", bool, "accepted", says="nothing is uploaded; `--write` writes what was selected where you say", worker=True),
    Key(f"{_W}crops.enable_upload_for_tasks", list[str], "accepted", says="nothing is uploaded; `--write` writes what was selected where you say"),
    Key(
        f"{_W}pretagging", bool, "refused", worker=False, harmless=(False,),
        says="there is no detector here: put the boxes of your own detector into .lightly/predictions (docs/object-crops.md) and name their task",
    ),
    Key(
        f"{_W}pretagging_upload", bool, "refused", worker=False, harmless=(False,),
        says="there is no detector here whose boxes could be uploaded: leave it out",
    ),
    Key(f"{_W}relevant_filenames_file", str, "works", "relevant_filenames_file", turn=_none_if_empty, worker=""),
    Key(f"{_W}selected_sequence_length", AtLeastOne, "video", says=_NOT_A_VIDEO, worker=1, harmless=(1,)),
    Key(f"{_W}num_processes", Cores, "accepted", says="images are decoded by as many processes as pay here", worker=-1),
    Key(f"{_W}num_threads", Cores, "works", "threads", turn=_cores, worker=-1),
    Key(f"{_W}output_image_format", str, "accepted", says="files are copied as they are, in their own format", worker="png"),
    Key(f"{_W}cache_size", int, "accepted", says="decoded images lie in VESALIUS_CACHE; `vesalius data prune` deletes by age or size"),
    Key(f"{_W}upload_report", bool, "accepted", says="the report is report.html in the run's folder, and nothing is uploaded", worker=True),
    Key(f"{_W}shutdown_when_job_finished", bool, "accepted", says="the command ends when the job is finished", worker=False),
    Key(
        f"{_W}dump_dataset", bool, "refused", worker=False, harmless=(False,), old=True,
        says="it is said by `write` now: `--write copies=FOLDER` copies the selected files, `--write links=FOLDER` links them",
    ),
    Key(f"{_W}dump_sampled_embeddings", bool, "accepted", says="the vectors of every image are in the run, as vectors.npy", worker=True, old=True),
    Key(f"{_W}output_image_size", int, "accepted", says="files are copied as they are, at their own size", worker=-1, old=True),
    Key(f"{_W}n_example_images", NotNegative, "accepted", says="the report shows the most telling images, as many as fit", worker=6, old=True),
    Key(
        f"{_W}memory_requirement_in_GB", Annotated[float, Field(ge=0)], "accepted", worker=2, old=True,
        says="nothing is reserved; vectors are read from disk where they are large",
    ),
    Key(f"{_W}show_video_sampling_timeline", bool, "accepted", says="it belongs to video, and images have no timeline", worker=True, old=True),
    Key(f"{_W}scorer", str, "works", "selection.strategies", worker="object-frequency", old=True),
    Key(
        f"{_W}scorer_config.frequency_penalty", Probability, "refused", worker=0.25, harmless=(0.25,), old=True,
        says="the score object_frequency counts each further object of a class a quarter: leave it at 0.25",
    ),
    Key(
        f"{_W}scorer_config.min_score", Probability, "refused", worker=0.9, harmless=(0.9,), old=True,
        says="the score object_frequency lies between 0.9 and 1; the strength of WEIGHTS sets its influence: leave it at 0.9",
    ),
    Key(f"{_W}method", Literal["coreset", "random", "coral"], "works", "selection.strategies", worker="coreset", old=True),
    Key(f"{_W}stopping_condition.n_samples", float, "works", "selection.n_samples", worker=-1, old=True),
    Key(f"{_W}stopping_condition.min_distance", float, "works", "selection.strategies", worker=-1, old=True),
    Key(f"{_W}object_level.task_name", str, "works", "selection.strategies", worker="", old=True),
    Key(f"{_W}object_level.crop_dataset_name", str, "accepted", says="crops are a part of the run, not a data set of their own", old=True),
    Key(f"{_W}object_level.padding", Annotated[float, Field(ge=0)], "works", "padding", worker=0.0, old=True),
    Key(f"{_W}datapool.name", str, "works", "datapool.name", old=True),
    Key(f"{_W}datapool.keep_history", bool, "accepted", says="what each round selected, and by which run, is always kept", worker=True, old=True),
)

SELECTION: Sequence[Key] = (
    Key(f"{_S}n_samples", Annotated[int, Field(ge=-1)], "works", "selection.n_samples", turn=_count),
    Key(f"{_S}proportion_samples", Probability, "works", "selection.proportion_samples"),
    Key(f"{_S}lightly_path_regex", str, "works", "path_regex", turn=_none_if_empty),
    Key(f"{_AUTO}type", Literal["TILING"], "works", "tiles"),
    Key(f"{_AUTO}name", str, "works", "tiles"),
    Key(f"{_AUTO}num_rows", AtLeastOne, "works", "tiles"),
    Key(f"{_AUTO}num_cols", AtLeastOne, "works", "tiles"),
    Key(f"{_AUTO}overlap", Annotated[float, Field(ge=0, lt=1)], "works", "tiles", worker=0.0),
    *(
        Key(f"{_INPUT}{name}", kind, "works", "selection.strategies")
        for name, kind in (
            ("type", str), ("dataset_id", str), ("tag_name", str), ("task", str), ("score", str), ("key", str), ("name", str),
            ("categories", list[str]), ("random_seed", int),
        )
    ),
    Key(f"{_STRATEGY}type", str, "works", "selection.strategies"),
    Key(f"{_STRATEGY}strength", Annotated[float, Field(ge=-1e9, le=1e9)], "works", "selection.strategies", worker=1.0),
    *(
        Key(f"{_STRATEGY}{name}", kind, "works", "selection.strategies")
        for name, kind in (
            ("stopping_condition_minimum_distance", Annotated[float, Field(ge=0)]), ("stopping_condition_max_sum", float),
            ("threshold", float), ("operation", Literal["SMALLER", "SMALLER_EQUAL", "BIGGER", "BIGGER_EQUAL"]),
            ("target", dict[str, Annotated[float, Field(ge=0)]]), ("distribution", str), ("num_nearest_neighbors", Annotated[int, Field(ge=2)]),
            ("stopping_condition_minimum_typicality", Annotated[float, Field(gt=0, lt=1)]), ("min_sum", float), ("max_sum", float),
        )
    ),
)  # fmt: skip

_DEPTHS = Literal["resnet-9", "resnet-18", "resnet-34", "resnet-50", "resnet-101", "resnet-152"]
LIGHTLY: Sequence[Key] = (
    Key(f"{_L}model.name", _DEPTHS, "works", "model.name", worker="resnet-18", ours="resnet18 with the stem that fits the images' size"),
    Key(f"{_L}model.out_dim", AtLeastOne, "works", "model.out_dim", worker=128),
    Key(f"{_L}model.num_ftrs", AtLeastOne, "works", "model.num_ftrs", worker=32, ours="no such layer: 512 pooled features tell more apart than 32 numbers"),
    Key(f"{_L}model.width", Annotated[float, Field(gt=0)], "works", "model.width", worker=1),
    Key(
        f"{_L}loader.batch_size", AtLeastOne, "works", "training.batch_size", worker=16,
        ours="256, and a quarter of the images where they are few: NT-Xent tells an image from the others of its batch",
    ),
    Key(
        f"{_L}loader.shuffle", bool, "refused", worker=True, harmless=(True,),
        says="each epoch has an order of its own, drawn from the seed: leave it at true",
    ),
    Key(f"{_L}loader.num_workers", Cores, "accepted", says="images are decoded once into the store and read by one thread", worker=-1),
    Key(f"{_L}loader.drop_last", bool, "works", "training.drop_last", worker=True),
    Key(
        f"{_L}trainer.gpus", NotNegative, "accepted", worker=1,
        says="one process uses one device (--device); a training of several is `vesalius pretrain` under torchrun",
    ),
    Key(f"{_L}trainer.max_epochs", NotNegative, "works", "training.epochs", worker=100),
    Key(f"{_L}trainer.precision", Literal[16, 32], "works", "training.precision", turn=_bits, worker=32, ours="auto: bf16 where the processor multiplies it"),
    Key(
        f"{_L}criterion.temperature", Annotated[float, Field(gt=0)], "works", "training.temperature", worker=0.5,
        ours="0.1: at 0.5 near duplicates and other images of one kind weigh nearly alike",
    ),
    Key(
        f"{_L}criterion.memory_bank_size", NotNegative, "refused", worker=0, harmless=(0,),
        says="a queue of earlier vectors needs a slow twin of the encoder: train with `training: {method: moco}` instead",
    ),
    Key(
        f"{_L}optimizer.lr", Annotated[float, Field(ge=0)], "works", "training.lr", worker=1.0,
        ours="0.12 for a batch of 256, in proportion to the batch, with warm-up, momentum and a cosine: a constant 1.0 without momentum does not settle",
    ),
    Key(f"{_L}optimizer.weight_decay", Probability, "works", "training.weight_decay", worker=1e-5, ours="1e-4, of weights and not of norms and biases"),
    Key(f"{_L}collate.input_size", AtLeastOne, "works", f"{_A}image_size", worker=64, ours="the images' own size up to 128 pixels"),
    Key(f"{_L}collate.cj_prob", Probability, "works", f"{_A}colour_p", worker=0.8),
    Key(f"{_L}collate.cj_bright", Probability, "works", f"{_A}brightness", worker=0.7, ours="0.4"),
    Key(f"{_L}collate.cj_contrast", Probability, "works", f"{_A}contrast", worker=0.7, ours="0.4"),
    Key(f"{_L}collate.cj_sat", Probability, "works", f"{_A}saturation", worker=0.7, ours="0.4, of images in colour"),
    Key(
        f"{_L}collate.cj_hue", Annotated[float, Field(ge=0, le=0.5)], "works", f"{_A}hue", worker=0.2,
        ours="0.1, of images in colour: colour is often what a selection should tell apart",
    ),
    Key(f"{_L}collate.min_scale", Probability, "works", f"{_A}min_scale", worker=0.15, ours="0.2"),
    Key(f"{_L}collate.random_gray_scale", Probability, "works", f"{_A}grey_p", worker=0.2, ours="0.2, of images in colour"),
    Key(f"{_L}collate.gaussian_blur", Probability, "works", f"{_A}blur_p", worker=0.5, ours="0.5 from 64 pixels on, none below"),
    Key(f"{_L}collate.kernel_size", Annotated[float, Field(ge=0)], "works", f"{_A}blur_kernel", old=True),
    Key(
        f"{_L}collate.sigmas", tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]], "works", f"{_A}blur_sigma", worker=(0.2, 2.0),
        ours="0.1 to 2 at 224 pixels, less in proportion",
    ),
    Key(f"{_L}collate.vf_prob", Probability, "works", f"{_A}vertical_flip_p", worker=0.0),
    Key(f"{_L}collate.hf_prob", Probability, "works", f"{_A}horizontal_flip_p", worker=0.5),
    Key(f"{_L}collate.rr_prob", Probability, "works", f"{_A}rotation_p", worker=0.0),
    Key(f"{_L}collate.rr_degrees", float | tuple[float, float] | None, "works", f"{_A}rotation_degrees", turn=_degrees, worker=None),
    Key(f"{_L}checkpoint_callback.save_last", bool, "accepted", says="the last weights are always kept, and the newest bundle to go on from", worker=True),
    Key(
        f"{_L}checkpoint_callback.save_top_k", int, "accepted", worker=1,
        says="the training loss says nothing about an encoder's worth, so none is kept by it",
    ),
    Key(f"{_L}seed", int, "works", "seed", worker=1),
)

KEYS: Sequence[Key] = (*WORKER, *SELECTION, *LIGHTLY)
DICTIONARIES = ("worker_config", "selection_config", "lightly_config")
