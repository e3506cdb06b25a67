"""Rows and columns of images multiplied by small matrices: what resizing and blurring have in common."""

from __future__ import annotations

import torch
from torch import Tensor


def separable(rows: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """``(N, C, h, w)``: ``down @ image @ across^T`` for every channel.

    ``rows`` (N, H, C, W): the images with the rows first, so that each product is one batched product of contiguous
    matrices (three times as fast on the CPU as a product for each channel). ``down`` (N, h, H), ``across`` (N, w, W).
    """
    n, height, channels, width = rows.shape
    h, w = down.shape[1], across.shape[1]
    tall = torch.bmm(down, rows.reshape(n, height, channels * width)).view(n, h * channels, width)
    return torch.bmm(tall, across.mT).view(n, h, channels, w).transpose(1, 2)
