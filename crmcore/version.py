"""The version of the core, which plugins name in ``requires_core``."""

__version__ = "0.1.0"
