"""Files of bytes, and the encoding that is found."""

from __future__ import annotations

import pytest

from crmcore import EncodingError, detect_encoding


@pytest.fixture
def detect(tmp_path):
    """Give a function that writes bytes and returns what is found: the encoding, and the text that is read in it."""

    def detect(content, declared="", **limits):
        path = tmp_path / "file.txt"
        path.write_bytes(content)
        found = detect_encoding(path, declared, **limits)
        with path.open(encoding=found.name, newline="") as file:
            return found, file.read()

    return detect


@pytest.fixture
def refusal(tmp_path):
    """Give a function that writes bytes and returns the error for which they cannot be read."""

    def refusal(content, declared="", **limits):
        path = tmp_path / "file.txt"
        path.write_bytes(content)
        with pytest.raises(EncodingError) as caught:
            detect_encoding(path, declared, **limits)
        return caught.value

    return refusal
