"""Write a checkpoint as SimCLR-v1 published one, by TensorFlow itself, and what its own network makes of images.

    PYTHON tests/encoders/zoo/make_simclr_v1.py OUT [WIDTH] [SIDE ...]

PYTHON: of an environment with tensorflow-cpu==2.15.1 and numpy<2, Python 3.11. The network follows google-research/simclr's
resnet.py (Apache-2.0), its functions and the order in which it makes its variables: ``tf.layers``, convolutions of stride 2 padded by
``fixed_padding`` and 'VALID', the max-pool 'SAME', a block's projection first. WIDTH 1 is the published size, 0.03125 (two channels
in the first stage) the fixture. Weights are random. OUT gets ``ResNet50_1x.zip`` and ``simclr_v1.npz``: features for the images that
``images`` makes, for each SIDE.
"""

import os
import sys
import zipfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow.compat.v1 as tf

PREFIX = "model.ckpt-225206"


def images(side):
    return np.random.RandomState(7).rand(2, side, side, 3).astype(np.float32)


def norm(x, relu=True):
    x = tf.layers.batch_normalization(
        x, axis=-1, momentum=0.9, epsilon=1e-5, center=True, scale=True, training=False, fused=True
    )
    return tf.nn.relu(x) if relu else x


def convolution(x, filters, kernel, stride):
    if stride > 1:
        before = (kernel - 1) // 2
        after = kernel - 1 - before
        x = tf.pad(x, [[0, 0], [before, after], [before, after], [0, 0]])
    padding = "SAME" if stride == 1 else "VALID"
    return tf.layers.conv2d(x, filters, kernel, strides=stride, padding=padding, use_bias=False)


def bottleneck(x, filters, stride, project):
    shortcut = x
    if project:
        shortcut = norm(convolution(x, 4 * filters, 1, stride), relu=False)
    x = norm(convolution(x, filters, 1, 1))
    x = norm(convolution(x, filters, 3, stride))
    x = norm(convolution(x, 4 * filters, 1, 1), relu=False)
    return tf.nn.relu(x + shortcut)


def resnet50(x, base):
    x = norm(convolution(x, base, 7, 2))
    x = tf.layers.max_pooling2d(x, pool_size=3, strides=2, padding="SAME")
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for block in range(blocks):
            x = bottleneck(x, base * 2**stage, 2 if stage and not block else 1, not block)
    return tf.reduce_mean(x, [1, 2])


def value(name, shape, draw):
    if name.endswith(("/gamma", "/moving_variance")):
        return draw.uniform(0.5, 1.5, shape)
    if name.endswith("/kernel"):
        return draw.randn(*shape) * np.sqrt(2 / np.prod(shape[:-1]))
    return draw.randn(*shape) * 0.1


def main(out, width, sides):
    tf.disable_eager_execution()
    out.mkdir(parents=True, exist_ok=True)
    x = tf.placeholder(tf.float32, [None, None, None, 3])
    with tf.variable_scope("base_model"):
        features = resnet50(x, int(64 * width))
    with tf.variable_scope("head_supervised"), tf.variable_scope("linear_layer"):
        logits = tf.layers.dense(features, 1000 if width == 1 else 10)
    step = tf.train.get_or_create_global_step()
    # LARS keeps its momentum under the same names.
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(tf.reduce_sum(logits), global_step=step)
    draw = np.random.RandomState(1)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for variable in tf.global_variables():
            name = variable.op.name
            if name != "global_step" and not name.endswith("/Momentum"):
                variable.load(value(name, variable.shape.as_list(), draw).astype(np.float32), session)
        step.load(225206, session)
        tf.train.Saver().save(session, str(out / PREFIX), write_meta_graph=False)
        told = {f"features_{side}": session.run(features, {x: images(side)}) for side in sides}
    np.savez(out / "simclr_v1.npz", **told)
    with zipfile.ZipFile(out / "ResNet50_1x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(out.glob(PREFIX + ".*")):
            archive.write(path, f"ResNet50_1x/{path.name}")
            path.unlink()
    (out / "checkpoint").unlink()


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        float(sys.argv[2]) if len(sys.argv) > 2 else 0.03125,
        [int(side) for side in sys.argv[3:]] or [64, 65, 96],
    )
