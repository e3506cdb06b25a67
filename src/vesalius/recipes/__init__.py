"""Recipes: ready-made configurations and the types they are checked against."""

from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.shipped import names

__all__ = ["PretrainConfig", "load_pretrain", "names"]
