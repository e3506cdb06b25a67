"""Decoders: from an encoder's feature maps back to a label for each voxel. One per file, MONAI's blocks under MONAI's names.

Each file has ``PREFIX``, the name under which MONAI's network keeps its encoder; ``Config``; ``refusal(card)``, a sentence where an
encoder does not fit; and ``build(card, shapes, outputs, config)``, whose module maps the input (B, C, *size) and the encoder's
pyramid, maps of ``shapes`` (channels, ...) from fine to coarse, to logits (B, outputs, *size).
"""
