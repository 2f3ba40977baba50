"""Marks for tests of engines that need a program or a package which may be missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

needs_apertium = pytest.mark.skipif(
    not Path("/usr/share/apertium/modes/eng-spa.mode").is_file(),
    reason="apertium-eng-spa is not installed",
)
needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="espeak-ng is not installed"
)
