"""What a recipe may say: frozen, typed, every key known. The names here are part of the public interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from vesalius.data.plan import Plan
from vesalius.recipes.data_config import ImagesConfig
from vesalius.recipes.traced import Traced
from vesalius.training.monitor import Interval
from vesalius.training.optimizers import OptimizerConfig


class Named(BaseModel):
    """A choice: its ``name`` in the registry, the rest checked by that entry's own config class."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def fields(self) -> dict[str, Any]:
        """Everything but the name."""
        return dict(self.model_extra or {})


class DataConfig(ImagesConfig):
    """Which images to learn from, and which labelled ones to watch with."""

    train: str = Field(description="Images to learn from: NAME[@ROOT], a folder, a .csv/.parquet table, a .npz.")
    monitor: str | None = Field(None, description="Labelled images to watch with; none watches without labels.")
    monitor_filter: str | Mapping[str, Any] | None = Field(
        None, description="Rows of the monitoring data that are meant; where it is the training data's source, filter when absent."
    )
    monitor_root: str | None = Field(None, description="Folder the monitor reference is relative to.")
    task: str | None = Field(None, description="Task of the monitoring data's source; the same as NAME@ROOT:TASK.")
    labels: str | Sequence[str] | None = Field(None, description="Label column(s) of the monitoring data.")
    match: Literal["auto", "off"] | Annotated[int, Field(ge=0, le=128)] = Field(
        "auto",
        description="Leave out training images that look like, or show people of, held-out monitoring images: auto (within 64 of 512"
        " bits of a perceptual hash), off (only equal files are left out), or another number of bits.",
    )
    draws_per_sample: int = Field(1, ge=1, description="Windows of one image that count as samples of an epoch.")
    channels: Literal[1, 3, "keep", "auto"] = Field(
        "auto", description="Channels of the stored images: 1, 3 or keep; auto takes 1 where all are grey, else 3."
    )
    size: int | Literal["native", "auto"] = Field("auto", description="Pixels of the shorter side in the store; auto is 1.25 x the view.")
    drop_last: bool = Field(True, description="Leave out an epoch's last batch when it is short.")
    plan: Mapping[str, Any] = Field(
        {}, description="How volumes are prepared (spacing, orientation, intensity, patch, ...); what is left open is the source's, or follows from the data."
    )

    @field_validator("plan")
    @classmethod
    def _fields_of_a_plan(cls, plan: Mapping[str, Any]) -> Mapping[str, Any]:
        return Plan.said(plan)


class MonitorConfig(Named):
    """One monitor: name, its own data, task and interval, and its own fields."""

    data: str | None = None
    """Labelled images to look at; the recipe's monitoring data when absent."""
    labels: str | Sequence[str] | None = None
    """Their label column(s)."""
    every: Interval | None = None
    """How often it looks; the recipe's ``validate_every`` when absent."""


class PretrainConfig(Traced):
    """One pretraining."""

    data: DataConfig
    views: str | Mapping[str, Any] = Field("simclr", description="A views recipe: name, YAML file, or inline.")
    encoder: Named = Named(name="resnet18")
    method: Named = Named(name="simclr")
    optimizer: OptimizerConfig = OptimizerConfig()
    epochs: float | None = Field(None, gt=0, description="Length in epochs; or give steps.")
    steps: int | None = Field(None, gt=0, description="Length in steps; or give epochs.")
    batch_size: int = Field(256, ge=2, description="Samples per process and step.")
    accumulate: int = Field(1, ge=1, description="Micro-batches per step; only for methods whose samples are independent.")
    validate_every: Interval = Field(Interval(epochs=5), description="How often the monitors look: {epochs: n} or {steps: n}.")
    checkpoint_every: Interval = Field(Interval(epochs=1), description="How often everything is saved.")
    monitors: Sequence[MonitorConfig] = (
        MonitorConfig(name="linear"),
        MonitorConfig(name="knn"),
        MonitorConfig(name="spread"),
    )
    export: str = Field("last", description="Which encoder the run hands over: last, or best-MONITOR (best-knn, best-spread, ...).")
    examine: bool = Field(True, description="Probe the encoder beside its baselines at the end.")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto takes bf16 where the processor multiplies it.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    layout: Literal["auto", "contiguous"] = Field("auto", description="Memory layout; auto puts channels last where that is faster.")
    compile: bool = Field(False, description="torch.compile the step; pays on GPUs, not on CPUs.")
    deterministic: bool = Field(False, description="Deterministic kernels on CUDA, for bit-exact resume there.")
    threads: int | None = Field(None, ge=1, description="CPU threads; torch's choice when absent.")
    seed: int = Field(1, description="Of every random number of the run.")
    debug: bool = Field(False, description="One batch per epoch, to try a recipe out.")
    compat: Literal["none", "innereye", "monai-tutorial"] = Field("none", description="Bring back an original's numbers.")
    tracking: Sequence[Named] = Field((), description="Where the run is written beside its folder: [{name: mlflow, ...}, {name: tensorboard}].")
    plugins: Sequence[str] = Field((), description="Python files whose entries join the registry.")
    name: str = Field("", description="A word for the run's folder.")

    @model_validator(mode="after")
    def _one_length(self) -> PretrainConfig:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give exactly one of epochs and steps")
        return self
