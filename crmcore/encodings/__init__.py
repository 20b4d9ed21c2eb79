"""Encodings of text files, for readers of files: the one that somebody names, or one that the bytes prove."""

from __future__ import annotations

from crmcore.encodings.detection import Encoding, EncodingError, codec_name, detect_encoding

__all__ = ["Encoding", "EncodingError", "codec_name", "detect_encoding"]
