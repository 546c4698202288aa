"""Puts the parts together and runs them: the only package that names adapters."""

from typing import Final

VERSION: Final = "0.1.0"
