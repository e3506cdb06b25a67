"""InnerEye's two augmentation files for radiographs: their keys and values, and what their keys mean by torchvision and SciPy."""

from __future__ import annotations

ENCODER = """
preprocess:
  resize: 256
  center_crop_size: 224
augmentation:
  use_random_affine: True
  use_random_crop: True
  use_random_horizontal_flip: True
  use_gamma_transform: True
  use_random_color: True
  use_elastic_transform: True
  use_random_erasing: True
  add_gaussian_noise: True
  random_crop: {scale: "(0.4, 1.0)"}
  random_horizontal_flip: {prob: 0.5}
  random_affine: {max_angle: 180, max_horizontal_shift: 0.0, max_vertical_shift: 0.0, max_shear: 40}
  random_color: {brightness: 0.2, contrast: 0.2, saturation: 0.0}
  elastic_transform: {sigma: 4, alpha: 34, p_apply: 0.4}
  random_erasing: {scale: "(0.15, 0.4)", ratio: "(0.33, 3)"}
  gaussian_noise: {std: 0.05}
"""
HEAD = """
preprocess: {resize: 256, center_crop_size: 224}
augmentation:
  use_random_affine: True
  use_random_crop: True
  use_random_horizontal_flip: True
  use_gamma_transform: True
  use_random_color: True
  use_elastic_transform: False
  use_random_erasing: False
  add_gaussian_noise: False
  random_crop: {scale: "(0.8, 1.0)"}
  random_horizontal_flip: {prob: 0.5}
  random_affine: {max_angle: 30, max_horizontal_shift: 0.0, max_vertical_shift: 0.0, max_shear: 15}
  random_color: {brightness: 0.2, contrast: 0.2, saturation: 0.0}
"""
DEFAULTS = {
    "preprocess": {"resize": 256, "center_crop_size": 224},
    "augmentation": {
        "use_random_affine": False,
        "use_random_crop": False,
        "use_random_horizontal_flip": False,
        "use_gamma_transform": False,
        "use_random_color": False,
        "use_elastic_transform": False,
        "use_random_erasing": False,
        "add_gaussian_noise": False,
        "random_crop": {"scale": (0.9, 1.0)},
        "random_horizontal_flip": {"prob": 0.5},
        "random_affine": {"max_angle": 0, "max_horizontal_shift": 0.0, "max_vertical_shift": 0.0, "max_shear": 5},
        "random_color": {"brightness": 0.0, "contrast": 0.1, "saturation": 0.0},
        "gamma": {"scale": (0.5, 1.5)},
        "elastic_transform": {"sigma": 4, "alpha": 35, "p_apply": 0.5},
        "random_erasing": {"scale": (0.01, 0.1), "ratio": (0.3, 3.3)},
        "gaussian_noise": {"p_apply": 0.5, "std": 0.01},
        "label_smoothing": {"epsilon": 0.1},
    },
}
"""The tree of defaults, as the original has it."""
