"""What a shipped recipe says for its own data set, where the images are the user's: what it is watched on, how many make a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vesalius.data.references import parse
from vesalius.errors import UserError
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.layers import Layer
from vesalius.recipes.shipped import names

STEPS = 4
"""Steps that an epoch of few images has at least, where the batch size is ours to choose."""


def without_its_monitor(given: Sequence[Layer]) -> tuple[list[Layer], list[str]]:
    """``given`` with nothing to watch on, and the sentence that says so, where a shipped recipe names a labelled set of its own and a later
    layer other images to train on. Nobody who brings a folder means CIFAR-10 to be fetched beside it.
    """
    shipped = names("pretrain")
    layers: list[dict[str, Any]] = [data if isinstance(data := layer.fields.get("data"), dict) else {} for layer in given]
    said = {key: [i for i, data in enumerate(layers) if data.get(key) is not None] for key in ("train", "monitor")}
    if not said["monitor"] or len(said["train"]) < 2:
        return list(given), []
    monitored, trained = said["monitor"][-1], said["train"][-1]
    if given[monitored].origin not in shipped or trained <= monitored or any({"monitor", "monitor_root"} & data.keys() for data in layers[monitored + 1 :]):
        return list(given), []
    before = [i for i in said["train"] if i <= monitored]
    try:
        same = not before or parse(str(layers[before[-1]]["train"])).source == parse(str(layers[trained]["train"])).source
    except UserError:
        return list(given), []  # it is said again, with the nearest names, where the images are listed
    if same:
        return list(given), []
    sentence = (
        f"{given[monitored].origin} would be watched on {layers[monitored]['monitor']}, which has nothing to do with your images: nothing labelled is watched. "
        "--data.monitor names labelled images to watch on."
    )
    return [*given, Layer({"data": {"monitor": None}}, given[trained].origin)], [sentence]


def with_smaller_batches(config: PretrainConfig, images: int, processes: int) -> tuple[PretrainConfig, list[str]]:
    """``config`` with a batch size that fits ``images`` samples on ``processes``, and the sentence that says so, where the recipe's own does not.

    A batch size that the user said stays, and is refused where it does not fit.
    """
    said = config.origins.get("batch_size")
    samples = images * config.data.draws_per_sample
    each = config.accumulate * processes
    if (said is not None and said not in names("pretrain")) or config.compat != "none" or samples >= config.batch_size * each or not config.data.drop_last:
        return config, []
    size = 2 ** max(1, (samples // (STEPS * each)).bit_length() - 1)
    sentence = f"Batches of {size} in place of the recipe's {config.batch_size}, since there are {samples:,} samples to learn from: --batch_size sets another."
    return config.model_copy(update={"batch_size": size}), [sentence]
