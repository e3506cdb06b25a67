"""The devices of this machine: what runs on any of them is tested on all that there are."""

import torch

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else []), *(["mps"] if torch.backends.mps.is_available() else [])]
