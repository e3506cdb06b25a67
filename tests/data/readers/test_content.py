from __future__ import annotations

import pytest

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.content import Content, content_of


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"\x89PNG\r\n\x1a\n....", Content.PNG), (b"\xff\xd8\xff\xe0", Content.JPEG), (b"RIFF1234WEBP", Content.WEBP),
        (b"\x89PNG\r\n\x1a\n" + bytes(120) + b"DICM", Content.DICOM), (b"II*\x00", Content.TIFF), (b"GIF89a", Content.GIF),
    ],
)  # fmt: skip
def test_a_file_is_what_its_bytes_say(data: bytes, content: Content) -> None:
    assert content_of(data) == content


@pytest.mark.parametrize(("data", "said"), [(b"%PDF-1.4", "a PDF document"), (b"PK\x03\x04zip", "a zip archive"), (b"....ftypheic", "HEIC"), (bytes(100), "")])
def test_what_is_none_is_said(data: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said) as failure:
        content_of(data)
    assert isinstance(failure.value.kind, Kind)
