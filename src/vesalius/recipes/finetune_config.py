"""What a recipe of ``finetune`` may say: frozen, typed, every key known. The names are part of the public interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vesalius.data.task import Kind
from vesalius.recipes.config import Named
from vesalius.recipes.data_config import ImagesConfig
from vesalius.recipes.traced import Traced
from vesalius.training.monitor import Interval
from vesalius.training.optimizers import OptimizerConfig
from vesalius.training.schedule import Warmup


class LabelledConfig(ImagesConfig):
    """The labelled images."""

    train: str = Field("", description="Labelled images: NAME[@ROOT][:TASK], a folder with a sub-folder per class, a .csv/.parquet table, a .npz.")
    root: str | None = Field(None, description="Folder the reference is relative to.")
    kind: Kind | None = Field(None, description="classes, binary, multilabel, ordinal or regression, where the values do not say.")
    classes: Sequence[str] | None = Field(None, description="Order of the classes by name, least first: what ordinal needs of words.")
    channels: Literal[1, 3, "keep", "auto"] = Field("auto", description="Channels of the stored images; auto takes the encoder's.")
    size: int | Literal["native", "auto"] = Field("auto", description="Pixels of the shorter side in the store; auto is 1.25 x what the encoder sees.")


class EncoderConfig(BaseModel):
    """Which encoder, and whether it learns too. Further fields are options of the network ``name``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str | None = Field(None, description="A network by name; none where weights are those of a run, folder or file.")
    weights: str | None = Field(None, description="The encoder: a run (folder, id, latest), a folder, a file; or what the network starts from.")
    freeze: bool = Field(True, description="Features are computed once and only the head learns; false trains end to end.")
    lr_factor: float = Field(0.3, ge=0, description="The encoder's learning rate as a share of the head's, end to end.")
    min_match: float = Field(0.95, ge=0, le=1, description="Least share of the network's tensors that weights must hold.")
    size: int | None = Field(None, ge=1, description="Pixels per side of a network without a card; 32 when absent.")

    @property
    def fields(self) -> dict[str, Any]:
        """The network's own options."""
        return dict(self.model_extra or {})


class HeadOptimizer(OptimizerConfig):
    """The optimizer with defaults for few steps from weights that are good already."""

    name: Literal["sgd", "adam", "adamw", "lars"] = Field("adamw", description="sgd, adam, adamw or lars.")
    lr: float | Literal["auto"] = Field(1e-3, description="Peak learning rate of the head; auto follows from the global batch.")
    weight_decay: float = Field(0.05, ge=0, description="Per step, of what decays (see decay_by).")
    layer_decay: float | None = Field(
        0.85, gt=0, le=1, description="Encoder layers learn at this to the power of their distance from its end; none: all alike."
    )
    warmup: Warmup = Field(Warmup(share=0.1), description="A share of the run, or {steps: n} or {epochs: n}.")


class FinetuneConfig(Traced):
    """One fine-tuning."""

    data: LabelledConfig = LabelledConfig()
    encoder: EncoderConfig = EncoderConfig()
    balanced: bool = Field(False, description="Weigh classes by 1 / their number among the training labels.")
    linear_first: bool = Field(True, description="End to end begins with the head that is best on the frozen encoder (LP-FT).")
    views: str | Mapping[str, Any] = Field("mild", description="Augmentation, end to end: mild, a views recipe's name, a YAML file, or inline.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of the pooled vector put to zero while training end to end.")
    optimizer: HeadOptimizer = HeadOptimizer()
    epochs: float | None = Field(None, gt=0, description="Longest length end to end, in epochs; or give steps.")
    steps: int | None = Field(None, gt=0, description="Longest length end to end, in steps; or give epochs.")
    batch_size: int = Field(64, ge=2, description="Samples per process and step.")
    accumulate: int = Field(1, ge=1, description="Micro-batches per step; batch statistics are those of a micro-batch.")
    patience: int | None = Field(10, ge=1, description="Looks after the first step without a better one before it stops; none never stops early.")
    metric: str = Field("", description="What chooses the best weights on validation, or loss; empty: the task's own metric.")
    keep_start: bool = Field(True, description="Whether the weights at the start may be the best on validation.")
    validate_every: Interval = Field(Interval(epochs=1), description="How often validation is looked at: {epochs: n} or {steps: n}.")
    checkpoint_every: Interval = Field(Interval(epochs=1), description="How often everything is saved.")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto takes bf16 where the processor multiplies it.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    layout: Literal["auto", "contiguous"] = Field("auto", description="Memory layout; auto puts channels last where that is faster.")
    deterministic: bool = Field(False, description="Deterministic kernels on CUDA, for bit-exact resume there.")
    threads: int | None = Field(None, ge=1, description="CPU threads; torch's choice when absent.")
    seed: int = Field(1, description="Of every random number of the run.")
    seeds: Sequence[int] = Field((), description="Repeat the whole run with each of these seeds; the results are mean and spread.")
    debug: bool = Field(False, description="One batch per epoch, to try a recipe out.")
    tracking: Sequence[Named] = Field((), description="Where the run is written beside its folder: [{name: mlflow, ...}, {name: tensorboard}].")
    compat: Literal["none", "innereye"] = Field("none", description="Bring back an original's numbers.")
    plugins: Sequence[str] = Field((), description="Python files whose entries join the registry.")
    name: str = Field("", description="A word for the run's folder.")

    @model_validator(mode="after")
    def _one_length(self) -> FinetuneConfig:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give exactly one of epochs and steps")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds holds one twice")
        return self
