"""What MONAI says while it is set up, and nobody can act upon."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

CODEC = "monai.data.nvimgcodec_pydicom_plugin"


@contextmanager
def quiet_readers() -> Iterator[None]:
    """Every LoadImage tries all of MONAI's readers, and the one for DICOM on GPUs says twice that it cannot be used."""
    logger = logging.getLogger(CODEC)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*nvImageCodec.*")
            yield
    finally:
        logger.setLevel(before)
