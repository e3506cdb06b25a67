"""Families of published checkpoints, each file one: ``MODELS`` and ``tensors`` (see ``encoders.published.Family``)."""
