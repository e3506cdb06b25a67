"""``EMBEDDINGS``: the vectors of an encoder, or of a file; with a query, the images to be like."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vesalius.errors import UserError
from vesalius.select import queries
from vesalius.select.candidates import Candidates
from vesalius.select.values import Vectors

GIVES: tuple[type[Any], ...] = (Vectors,)


class Config(BaseModel):
    """What can be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str | None = Field(None, description="The objects of a task instead of whole images.")
    query: queries.Query | None = Field(None, description="Images to be like: {names: FILE} or {vectors: FILE}.")
    dataset_id: str | None = Field(None, description="The query is what a selection of this data set chose.")
    tag_name: str | None = Field(None, description="Which selection of `dataset_id`, by its name or its run's id; none: the newest.")

    @model_validator(mode="after")
    def _one_query(self) -> Config:
        if self.query is not None and self.dataset_id is not None:
            raise ValueError("query and dataset_id both say what to be like: leave out one of them")
        if self.tag_name is not None and self.dataset_id is None:
            raise ValueError("tag_name is of a selection of dataset_id: give that too")
        return self


def title(config: Config) -> str:
    """How reasons and reports call it."""
    return "embeddings" if config.task is None else f"objects of {config.task}"


def refuse_early(config: Config, candidates: Candidates) -> None:
    """Raise UserError for a query that is not there; no vector is read."""
    if config.dataset_id is not None:
        queries.selection_of(config.dataset_id, config.tag_name)
    elif config.query is not None and config.query.names is not None:
        queries.rows_of(config.query.names, candidates)
    elif config.query is not None and config.query.vectors is not None:
        queries.refuse_missing(config.query.vectors)


def read(config: Config, candidates: Candidates) -> Vectors:
    """The vectors of images, or of the objects of ``task``, and of the query. Raises UserError where there are none."""
    if config.task is None:
        images, objects = candidates.embedded(), None
        like = images
    elif config.task in candidates.objects:
        images, objects = None, candidates.objects[config.task]
        like = objects.vectors
    else:
        known = ", ".join(candidates.objects) or "none"
        raise UserError(f"There are no objects of a task {config.task!r}. Tasks with objects: {known}.")
    query = None
    if config.dataset_id is not None:
        query = queries.selected_before(config.dataset_id, config.tag_name, like)
    elif config.query is not None and config.query.names is not None:
        query = queries.by_name(config.query.names, candidates, objects)
    elif config.query is not None and config.query.vectors is not None:
        query = queries.from_file(config.query.vectors, like)
    return Vectors(images, objects, query)
