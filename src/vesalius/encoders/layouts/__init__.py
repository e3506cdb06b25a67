"""What others write into checkpoints: how it is nested, what the encoder in it is called, which network it is."""

from __future__ import annotations

from vesalius.encoders.layouts.architecture import tell
from vesalius.encoders.layouts.contents import Contents, read_contents
from vesalius.encoders.layouts.families import Part, encoder_in
from vesalius.encoders.layouts.names import translate
from vesalius.encoders.layouts.told import Architecture
from vesalius.encoders.layouts.worker import BACKBONE, card_of
from vesalius.encoders.layouts.worker import read as read_worker

__all__ = ["BACKBONE", "Architecture", "Contents", "Part", "card_of", "encoder_in", "read_contents", "read_worker", "tell", "translate"]
