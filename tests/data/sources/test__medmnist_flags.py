from __future__ import annotations

import re

from vesalius.data.sources._medmnist_flags import FLAGS


def test_every_set_has_its_classes_and_a_checksum_of_each_size() -> None:
    assert len(FLAGS) == 12
    for flag in FLAGS.values():
        assert len(set(flag.classes)) == len(flag.classes) >= 2
        assert list(flag.md5) == [28, 64, 128, 224]
        assert all(re.fullmatch("[0-9a-f]{32}", digest) for digest in flag.md5.values())
        assert flag.licence
    sums = [digest for flag in FLAGS.values() for digest in flag.md5.values()]
    assert len(set(sums)) == len(sums)
