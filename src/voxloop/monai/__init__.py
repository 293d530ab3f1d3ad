"""Tracking for MONAI: what its engines say becomes series, reviewable volumes and checkpoint artifacts of a run.

    run = vx.Run(name="unet-a")
    TrackingHandler(run, "trainer").attach(trainer)
    TrackingHandler(run, "validator", classes={1: "spleen"}).attach(evaluator)

The same with no code, for any bundle, through MONAI's own switch:

    python -m monai.bundle run --config_file configs/train.json --tracking $(voxloop bundle tracking)

Knows MONAI and `tracking`; how a bundle is started is `training`.
"""

from pathlib import Path

from voxloop.monai.handler import LeftOut, TrackingHandler

SETTINGS = Path(__file__).parent / "tracking.json"

__all__ = ["SETTINGS", "LeftOut", "TrackingHandler"]
