"""Views alone at 32 px: ours against lightly 1.6's SimCLR transform, per core.

Both sides get the same stored 8-bit images and make the same recipe (crop from 8 % of the area, flip, colours at
strength 1, greyscale, blur with sigma 0.1 to 2 and a kernel as wide as that asks, ImageNet normalisation); reading and
decoding are excluded on both. Sides alternate; the fastest round of each counts. Prints one JSON line.
"""

from __future__ import annotations

import json

from benchmarks.views_peer import compare, recipe

if __name__ == "__main__":
    result = compare(side=32, stored=32, batch=256, peer_images=128, rounds=5, recipe=recipe(32))
    print(json.dumps({"name": "views alone, 32 px", **result}))
