"""Batch norm over ranks takes over the parameters it replaces; alone it is torch's own."""

import pytest
import timm
import torch
from torch import nn

from vesalius.training.batch_norm import GlobalBatchNorm, share_batch_norm


def test_the_optimizers_parameters_stay_the_modules() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.Flatten(), nn.Linear(4 * 36, 2), nn.BatchNorm1d(2, affine=False)))
    before = dict(module.named_parameters())
    buffers = dict(module.named_buffers())
    share_batch_norm(module, torch.device("cpu"))
    assert all(p is before[n] for n, p in module.named_parameters())
    assert all(b is buffers[n] for n, b in module.named_buffers())
    assert isinstance(module[1], GlobalBatchNorm)
    assert isinstance(module[2][2], GlobalBatchNorm)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_norms_that_carry_an_activation_keep_it_and_their_names(device: str) -> None:
    torch.manual_seed(0)
    network = timm.create_model("efficientnet_lite0", num_classes=0).eval()
    x, names = torch.randn(2, 3, 32, 32), list(network.state_dict())
    plain = network(x)
    shared = share_batch_norm(network, torch.device(device)).eval()  # where nothing is shared, both run on the CPU
    assert not any(type(module).__name__ in ("BatchNorm2d", "BatchNormAct2d") for module in shared.modules())
    assert list(shared.state_dict()) == names, "what is exported has the names that it is loaded by"
    torch.testing.assert_close(shared(x), plain)


def test_one_process_gives_torchs_numbers() -> None:
    torch.manual_seed(0)
    plain = nn.BatchNorm2d(3)
    shared = share_batch_norm(nn.Sequential(nn.BatchNorm2d(3)), torch.device("cpu"))
    x = torch.randn(5, 3, 4, 4)
    torch.testing.assert_close(shared(x), plain(x))
    torch.testing.assert_close(shared.eval()(x), plain.eval()(x))
