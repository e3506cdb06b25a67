"""TensorBoard: the run's numbers as an event file in its own folder, ``tensorboard/``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from vesalius.errors import UserError
from vesalius.runs.run import Run
from vesalius.runs.tracker import Point

FOLDER = "tensorboard"


class Config(BaseModel):
    """The tracker has no fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def require(config: Config) -> None:
    """Raise UserError where TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise UserError("TensorBoard is not installed. Install it with `pip install 'vesalius[tracking]'`, or leave it out.")


def build(config: Config, run: Run) -> TensorBoard:
    """The tracker of ``run``. Raises UserError where TensorBoard is not installed."""
    require(config)
    return TensorBoard(run)


class TensorBoard:
    """An event file that is written anew whenever the run goes on: ``metrics.jsonl`` holds all of it."""

    checkpoints: Literal["never", "end", "every"] = "never"
    report = False

    def __init__(self, run: Run) -> None:
        self.run = run
        self._file: Any = None
        self._writer: Any = None

    def begin(self, config: Mapping[str, str]) -> dict[str, Any]:
        """See ``Tracker``. The file's name holds no name of a machine, unlike TensorBoard's own."""
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder = self.run.path / FOLDER
        folder.mkdir(exist_ok=True)
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        self._file = (folder / "events.out.tfevents.0000000000.vesalius").open("wb")
        self._writer = RecordWriter(self._file)
        self._event(0, time.time(), file_version="brain.Event:2")
        self._event(0, time.time(), summary=_words("config", "\n".join(f"    {k}: {v}" for k, v in config.items())))
        return {}

    def last_steps(self) -> dict[str, int]:
        """See ``Tracker``."""
        return {}

    def points(self, points: Sequence[Point]) -> None:
        """See ``Tracker``. TensorBoard keeps numbers in 32 bits."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        for p in points:
            self._event(p.step, p.seconds, summary=Summary(value=[Summary.Value(tag=p.key, simple_value=p.value)]))
        self._file.flush()

    def notice(self, step: int, text: str) -> None:
        """See ``Tracker``."""
        self._event(step, time.time(), summary=_words("notice", text))

    def file(self, source: Path, place: str) -> None:
        """See ``Tracker``: the event file lies beside the run's files."""

    def forget(self, place: str, keep: str) -> None:
        """See ``Tracker``: nothing is sent."""

    def end(self, state: str) -> None:
        """See ``Tracker``."""
        self._file.close()

    def _event(self, step: int, seconds: float, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.write(Event(wall_time=seconds, step=step, **content).SerializeToString())


def _words(tag: str, text: str) -> Any:
    """A summary that TensorBoard shows among its texts."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode()], tensor_shape=shape)
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    return Summary(value=[Summary.Value(tag=f"{tag}/text_summary", tensor=tensor, metadata=metadata)])
