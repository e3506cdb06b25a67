"""Protocols of ``vesalius evaluate``, one a file. Each has ``Config``, ``TAKES`` and ``examine``; see ``evaluate.asked``."""
