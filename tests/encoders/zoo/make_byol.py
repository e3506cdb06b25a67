"""Write a checkpoint as BYOL published one, by jax, dm-haiku and dill, and what Haiku's own network makes of images.

    PYTHON tests/encoders/zoo/make_byol.py OUT [WIDTH] [SIDE ...]

PYTHON: of an environment with jax[cpu], dm-haiku, optax and dill. The network follows google-deepmind/deepmind-research's
byol/utils/networks.py (Apache-2.0): Haiku's ResNet v1 blocks, padding 'SAME'. WIDTH 1 is the published size, 0.03125 (two channels in
the first stage) the fixture. Weights are random; the target network is the online network and the optimizer's momentum is zero, so
that the fixture compresses. OUT gets ``pretrain_res50x1.pkl`` as ``checkpointing.py`` wrote it (dill, protocol 2) and ``byol.npz``:
features for the images that ``images`` makes, for each SIDE.
"""

import sys
import types
from pathlib import Path
from typing import Any, NamedTuple

import dill
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import optax

NORM = {"decay_rate": 0.9, "eps": 1e-5, "create_scale": True, "create_offset": True}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class _ByolExperimentState(NamedTuple):
    online_params: Any
    target_params: Any
    online_state: Any
    target_state: Any
    opt_state: Any


class ScaleByLarsState(NamedTuple):
    mu: Any


class AddWeightDecayState(NamedTuple):
    pass


_PLACES = {
    _ByolExperimentState: "byol.byol_experiment",
    ScaleByLarsState: "byol.utils.optimizers",
    AddWeightDecayState: "byol.utils.optimizers",
}


def images(side):
    return np.random.RandomState(7).rand(2, side, side, 3).astype(np.float32)


class ResNet50(hk.Module):
    def __init__(self, base):
        super().__init__(name="res_net50")
        self.initial_conv = hk.Conv2D(base, 7, stride=2, with_bias=False, padding="SAME", name="initial_conv")
        self.initial_batchnorm = hk.BatchNorm(name="initial_batchnorm", **NORM)
        self.block_groups = [
            hk.nets.ResNet.BlockGroup(
                channels=base * 4 * 2**i,
                num_blocks=blocks,
                stride=2 if i else 1,
                bn_config=NORM,
                resnet_v2=False,
                bottleneck=True,
                use_projection=True,
                name=f"block_group_{i}",
            )
            for i, blocks in enumerate((3, 4, 6, 3))
        ]

    def __call__(self, x, is_training):
        x = jax.nn.relu(self.initial_batchnorm(self.initial_conv(x), is_training))
        x = hk.max_pool(x, window_shape=(1, 3, 3, 1), strides=(1, 2, 2, 1), padding="SAME")
        for group in self.block_groups:
            x = group(x, is_training, False)
        return jnp.mean(x, axis=[1, 2])


class MLP(hk.Module):
    def __init__(self, name, hidden, output):
        super().__init__(name=name)
        self.hidden, self.output = hidden, output

    def __call__(self, x, is_training):
        x = jax.nn.relu(hk.BatchNorm(**NORM)(hk.Linear(self.hidden)(x), is_training))
        return hk.Linear(self.output, with_bias=False)(x)


def main(out, width, sides):
    out.mkdir(parents=True, exist_ok=True)
    hidden, output, classes = (4096, 256, 1000) if width == 1 else (8, 4, 10)

    def forward(x, is_training):
        x = (x - jnp.array(MEAN)) / jnp.array(STD)
        features = ResNet50(int(64 * width))(x, is_training)
        projected = MLP("projector", hidden, output)(features, is_training)
        predicted = MLP("predictor", hidden, output)(projected, is_training)
        return features, predicted, hk.Linear(classes, name="classifier")(features)

    network = hk.without_apply_rng(hk.transform_with_state(forward))
    params, state = network.init(jax.random.PRNGKey(0), images(64), is_training=True)
    draw = np.random.RandomState(1)

    def value(path, old):
        name = path[-1].key
        if name in ("counter", "hidden"):
            return old
        whole = "/".join(str(part.key) for part in path)
        if name == "scale" or whole.endswith("var_ema/average"):
            return draw.uniform(0.5, 1.5, old.shape).astype(np.float32)
        if name == "w":
            return (draw.randn(*old.shape) * np.sqrt(2 / np.prod(old.shape[:-1]))).astype(np.float32)
        return (draw.randn(*old.shape) * 0.1).astype(np.float32)

    params, state = (jax.tree_util.tree_map_with_path(value, tree) for tree in (params, state))
    apply = jax.jit(lambda x: network.apply(params, state, x, is_training=False)[0][0])
    np.savez(out / "byol.npz", **{f"features_{side}": np.asarray(apply(images(side))) for side in sides})
    for kind, place in _PLACES.items():
        kind.__module__ = place
        for i in range(place.count(".") + 1):
            parent = ".".join(place.split(".")[: i + 1])
            sys.modules.setdefault(parent, types.ModuleType(parent))
        setattr(sys.modules[place], kind.__name__, kind)
    frozen = jax.device_get(hk.data_structures.to_immutable_dict(params))
    zeros = jax.tree_util.tree_map(np.zeros_like, frozen)
    averages = jax.device_get(hk.data_structures.to_immutable_dict(state))
    byol = _ByolExperimentState(
        online_params=frozen,
        target_params=jax.tree_util.tree_map(np.copy, frozen),
        online_state=averages,
        target_state=jax.tree_util.tree_map(np.copy, averages),
        opt_state=(AddWeightDecayState(), ScaleByLarsState(mu=zeros), optax.EmptyState()),
    )
    with open(out / "pretrain_res50x1.pkl", "wb") as file:
        dill.dump({"experiment_state": byol, "step": 312500, "rng": jax.random.PRNGKey(1)}, file, protocol=2)


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        float(sys.argv[2]) if len(sys.argv) > 2 else 0.03125,
        [int(side) for side in sys.argv[3:]] or [64, 65, 96],
    )
