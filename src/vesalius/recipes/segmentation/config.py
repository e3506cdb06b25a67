"""What a recipe of ``finetune`` may say where ``data.kind`` is segmentation: frozen, typed, every key known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from vesalius.recipes.config import Named
from vesalius.recipes.data_config import Frozen, SplitConfig
from vesalius.recipes.traced import Traced
from vesalius.training.monitor import Interval
from vesalius.training.optimizers import OptimizerConfig
from vesalius.training.schedule import Schedule, Warmup

Kind = Literal["segmentation"]


class VolumesConfig(Frozen):
    """The labelled volumes."""

    train: str = Field("", description="Labelled volumes: NAME[@ROOT][:TASK], a folder, a list (.json), a .csv/.parquet table with a column mask.")
    root: str | None = Field(None, description="Folder the train reference, or the paths in a list, are relative to.")
    kind: Kind = Field("segmentation", description="segmentation: the labels are label volumes.")
    task: str | None = Field(None, description="Which of a source's tasks its labels are for; the same as NAME@ROOT:TASK.")
    classes: Sequence[str] = Field((), description="Names of the label values 0, 1, ..., the background first, where the data do not say.")
    filter: str | Mapping[str, Any] | None = Field(None, description="Rows that are meant, as 'fold!=0' or {fold: [1, 2]}; all: every row.")
    subject: str | None = Field(None, description="Subject column, or a regular expression with one group on the path.")
    plan: Mapping[str, Any] = Field(
        {}, description="Fields of the plan (spacing, orientation, intensity, patch, ...) other than the encoder's; each is warned about."
    )
    split: SplitConfig = SplitConfig()
    draws_per_sample: int = Field(4, ge=1, description="Patches of one volume that count as samples of an epoch.")
    limit: int | None = Field(None, ge=1, description="Learn from so many training volumes.")
    subset: Literal["first", "drawn"] = Field("first", description="Which, with limit: the first, or those of subjects drawn by the seed.")
    drop_last: bool = Field(True, description="Leave out an epoch's last batch when it is short.")
    max_bad_share: float = Field(0.05, ge=0, le=1, description="More unreadable files than this ends the run.")
    allow_leakage: bool = Field(False, description="Go on when a subject is in two splits; every result says so.")
    require_subjects: bool = Field(False, description="Refuse data without subjects.")
    download: bool = Field(True, description="Fetch a public data set that is not there yet.")

    @field_validator("plan")
    @classmethod
    def _known(cls, plan: Mapping[str, Any]) -> Mapping[str, Any]:
        from vesalius.data.plan import Plan

        return Plan.said(plan)


class SegmentationEncoder(BaseModel):
    """Which encoder, and how it learns. Further fields are options of the network ``name``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str | None = Field(None, description="A network by name; none where weights are those of a run, folder or file.")
    weights: str | None = Field(None, description="The encoder: a run (folder, id, latest), a folder, a file; or what the network starts from.")
    scratch: bool = Field(False, description="The same network with random weights and the same plan: the twin of a pretrained one.")
    freeze: bool = Field(False, description="Only the decoder learns.")
    lr_factor: float = Field(1.0, ge=0, description="The encoder's learning rate as a share of the decoder's.")
    min_match: float = Field(0.95, ge=0, le=1, description="Least share of the network's tensors that weights must hold.")

    @property
    def fields(self) -> dict[str, Any]:
        """The network's own options."""
        return dict(self.model_extra or {})


class DecoderConfig(Named):
    """What stands on the encoder. Further fields are those of the decoder ``name``."""

    name: str = Field("auto", description="unetr, swin-unetr, segresnet, unet; auto: the one that fits the encoder.")


class SegmenterOptimizer(OptimizerConfig):
    """The optimizer with the defaults of MONAI's tutorial."""

    name: Literal["sgd", "adam", "adamw", "lars"] = Field("adamw", description="sgd, adam, adamw or lars.")
    lr: float | Literal["auto"] = Field(1e-4, description="Peak learning rate; auto follows from the global batch.")
    weight_decay: float = Field(1e-5, ge=0, description="Per step, of what decays (see decay_by).")
    warmup: Warmup = Field(Warmup(steps=0), description="A share of the run, or {steps: n} or {epochs: n}.")
    schedule: Schedule = Field(Schedule(name="constant"), description="What the rate does after the warm-up.")


class LossConfig(Frozen):
    """Soft Dice plus cross-entropy, equally weighted."""

    include_background: bool = Field(True, description="Whether class 0 counts in the Dice part.")


class SlidingConfig(Frozen):
    """How whole volumes are predicted from patches."""

    overlap: float = Field(0.5, ge=0, lt=1, description="Share of a patch's side that neighbouring windows have in common.")
    mode: Literal["gaussian", "constant"] = Field("gaussian", description="gaussian: the middle of a window counts more than its rim.")
    batch: int = Field(4, ge=1, description="Windows at a time.")


class SegmentationConfig(Traced):
    """One fine-tuning of a segmenter."""

    data: VolumesConfig = VolumesConfig()
    encoder: SegmentationEncoder = SegmentationEncoder()
    decoder: DecoderConfig = DecoderConfig()
    loss: LossConfig = LossConfig()
    views: str | Mapping[str, Any] = Field("volume-segmentation", description="Patches and augmentation: a views recipe's name, a YAML file, or inline.")
    optimizer: SegmenterOptimizer = SegmenterOptimizer()
    epochs: float | None = Field(None, gt=0, description="Longest length in epochs; or give steps.")
    steps: int | None = Field(None, gt=0, description="Longest length in steps; or give epochs.")
    batch_size: int = Field(4, ge=1, description="Patches per process and step.")
    accumulate: int = Field(1, ge=1, description="Micro-batches per step.")
    patience: int | None = Field(None, ge=1, description="Looks without a better one before it stops; none never stops early.")
    metric: Literal["dice", "dice_monai_tutorial"] = Field("dice", description="What chooses the best weights on validation.")
    validate_every: Interval = Field(Interval(steps=100), description="How often validation is looked at: {epochs: n} or {steps: n}.")
    checkpoint_every: Interval = Field(Interval(steps=500), description="How often everything is saved.")
    sliding: SlidingConfig = SlidingConfig()
    tolerance: float = Field(2.0, gt=0, description="Surface Dice: how far surfaces may be apart, in mm.")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto takes bf16 where the processor multiplies it.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    deterministic: bool = Field(False, description="Deterministic kernels on CUDA, for bit-exact resume there.")
    threads: int | None = Field(None, ge=1, description="CPU threads; torch's choice when absent.")
    seed: int = Field(1, description="Of every random number of the run.")
    seeds: Sequence[int] = Field((), description="Repeat the whole run with each of these seeds; the results are mean and spread.")
    twin: bool = Field(False, description="Train the same network from random weights too, with the same budget, seeds and order; both in one table.")
    sizes: Sequence[int] = Field((), description="Label efficiency: repeat the whole with so many training volumes each, as [6, 12, 24].")
    debug: bool = Field(False, description="One batch per epoch, to try a recipe out.")
    tracking: Sequence[Named] = Field((), description="Where the run is written beside its folder: [{name: mlflow, ...}, {name: tensorboard}].")
    compat: Literal["none", "monai-tutorial"] = Field("none", description="Bring back an original's numbers.")
    plugins: Sequence[str] = Field((), description="Python files whose entries join the registry.")
    name: str = Field("", description="A word for the run's folder.")

    @property
    def repeated(self) -> bool:
        """Whether this is several runs, whose results stand above them."""
        return bool(self.seeds or self.sizes or self.twin)

    @model_validator(mode="after")
    def _whole(self) -> SegmentationConfig:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give exactly one of epochs and steps")
        for name in ("seeds", "sizes"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} holds one twice")
        if any(size < 1 for size in self.sizes):
            raise ValueError("sizes are numbers of training volumes, at least 1 each")
        if self.sizes and self.data.limit is not None:
            raise ValueError("sizes says how many volumes are learnt from; leave data.limit out")
        if self.twin and self.encoder.scratch:
            raise ValueError("twin trains the pretrained encoder and the one of random weights; leave encoder.scratch out")
        return self


def asked_for(config: Mapping[str, Any]) -> bool:
    """Whether the merged fields of a recipe are those of a segmentation."""
    data = config.get("data")
    return isinstance(data, Mapping) and data.get("kind") == "segmentation"
