"""Which encoder embeds, where none is trained: the one that was named, or the newest of the same data set."""

from __future__ import annotations

from vesalius.errors import UserError
from vesalius.select.config import SelectConfig
from vesalius.terminal import Terminal


def encoder_of(config: SelectConfig, terminal: Terminal) -> str:
    """The reference of the encoder. Raises UserError where nothing says which: never a random network unless it is named."""
    if config.encoder is not None:
        return config.encoder
    raise UserError(
        f"Nothing says what is to embed {config.data}, and no run on this data set has an encoder. Train one first (enable_training: true, or --training.epochs "
        "100), name a public network (--encoder timm:NAME), or a file or run of yours (--encoder FILE|RUN)."
    )
