from pathlib import Path

import pytest

from tests.data.sources.native import cifar


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CIFAR-10 and CIFAR-100 as they are downloaded, a few images each: ``ten`` and ``hundred``."""
    root = tmp_path_factory.mktemp("photographs")
    for name, folder, n in (("cifar10", "ten", 6), ("cifar100", "hundred", 40)):
        cifar(root / folder, name, n)
    return root
