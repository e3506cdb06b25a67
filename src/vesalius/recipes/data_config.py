"""What every recipe may say about its images, whatever its verb: frozen, typed, every key known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A part of a recipe: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SplitConfig(Frozen):
    """How the labelled data is divided where its source does not say."""

    val: float = Field(0.1, gt=0, lt=1, description="Share held out to choose by.")
    test: float = Field(0.2, ge=0, lt=1, description="Share scored once, at the end.")
    by: Literal["auto", "subject", "image"] = Field("auto", description="auto: by subject wherever subjects are known.")
    seed: int = Field(0, description="Of the division.")


class ImagesConfig(Frozen):
    """The images of one job: what pretraining and fine-tuning say in the same words."""

    train: str = Field(description="The images: NAME[@ROOT], a folder, a table, a .npz.")
    root: str | None = Field(None, description="Folder the train reference is relative to.")
    task: str | None = Field(None, description="Which of a source's tasks its labels are for; the same as NAME@ROOT:TASK.")
    labels: str | Sequence[str] | None = Field(None, description="Label column(s) of a table; several are multi-label.")
    uncertain: str | Mapping[str, Any] | None = Field(
        None, description="What uncertain labels count as: ignore, zeros, ones, soft, soft-zeros, or {finding: one of these}."
    )
    filter: str | Mapping[str, Any] | None = Field(
        None, description="Rows that are meant, as view=frontal, 'sex=F; age=18..65' or {view: [PA, AP]}; all: every row."
    )
    subject: str | None = Field(None, description="Subject column, or a regular expression with one group on the path.")
    labels_file: str | None = Field(
        None, description="CSV of labels for DICOM files, by PatientID, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID or file."
    )
    columns: str | Sequence[str] | None = Field(None, description="DICOM keywords to keep in the table as meta.KEYWORD, for filter.")
    mapping: str | None = Field(
        None, description="Whose each radiograph is: RSNA's mapping to NIH's file names (.json, .csv), or data with the same images."
    )
    window: Literal["auto", "none", "file", "percentiles"] | tuple[float, float] = Field(
        "auto",
        description="Black to white of grey DICOM: file (its own window, else percentiles), percentiles, none, or [centre, width];"
        " auto: the encoder's, or file.",
    )
    split: SplitConfig = SplitConfig()
    channels: Literal[1, 3, "keep", "auto"] = Field("auto", description="Channels of the stored images.")
    size: int | Literal["native", "auto"] = Field("auto", description="Pixels of the shorter side in the store.")
    max_bad_share: float = Field(0.05, ge=0, le=1, description="More unreadable files than this ends the run.")
    allow_leakage: bool = Field(False, description="Go on when a subject is in two splits; every result says so.")
    require_subjects: bool = Field(False, description="Refuse data without subjects.")
    drop_last: bool = Field(False, description="Leave out an epoch's last batch when it is short.")
    download: bool = Field(True, description="Fetch a public data set that is not there yet.")
    limit: int | None = Field(None, ge=2, description="Use the first so many training images.")
