"""Views alone at 224 px: ours against lightly 1.6's SimCLR transform, per core, with each operation's share.

As ``views_32.py``, from images stored at 256 px. The share of an operation is what a clock around it says.
"""

from __future__ import annotations

import json

from benchmarks.views_peer import compare, recipe, shares

if __name__ == "__main__":
    made = recipe(224)
    result = compare(side=224, stored=256, batch=32, peer_images=32, rounds=5, recipe=made)
    print(json.dumps({"name": "views alone, 224 px", **result, "shares": shares(made, stored=256, batch=32)}))
