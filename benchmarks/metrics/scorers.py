"""One library scores two masks in a process of its own, and says what it took: `scorers.py LIBRARY FOLDER`."""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from benchmarks.metrics.scenes import SPACING, Mask

Figures = dict[str, float]
TOLERANCE_MM = 2.0


def ours(surface: str) -> Callable[[Mask, Mask], Figures]:
    """All metrics of the catalogue, lesions and volumes too."""
    from voxloop.data.geometry import Geometry
    from voxloop.inference.metrics import Scoring, score_masks

    how = Scoring(tolerance_mm=TOLERANCE_MM, surface=surface)

    def figures(truth: Mask, predicted: Mask) -> Figures:
        i, j, k = truth.shape
        return dict(score_masks("organ", truth, predicted, Geometry((i, j, k), np.diag([*SPACING, 1.0])), how).values)

    return figures


def monai() -> Callable[[Mask, Mask], Figures]:
    """Dice and the four figures of surfaces, each by its own function, as there is none for all."""
    import torch
    from monai.metrics import (
        compute_average_surface_distance,
        compute_dice,
        compute_hausdorff_distance,
        compute_surface_dice,
    )

    torch.set_num_threads(1)

    def figures(truth: Mask, predicted: Mask) -> Figures:
        masks = torch.from_numpy(predicted)[None, None], torch.from_numpy(truth)[None, None]
        how = {"include_background": True, "spacing": SPACING}
        return {
            "dice": compute_dice(*masks).item(),
            "hd95_mm": compute_hausdorff_distance(*masks, percentile=95, **how).item(),
            "hd_mm": compute_hausdorff_distance(*masks, **how).item(),
            "assd_mm": compute_average_surface_distance(*masks, symmetric=True, **how).item(),
            "nsd": compute_surface_dice(*masks, class_thresholds=[TOLERANCE_MM], **how).item(),
        }

    return figures


def surface_distance() -> Callable[[Mask, Mask], Figures]:
    """Dice and the four figures, from distances that are measured once."""
    import surface_distance as published

    def figures(truth: Mask, predicted: Mask) -> Figures:
        found = published.compute_surface_distances(truth, predicted, SPACING)
        there, back = (found[f"distances_{way}"] for way in ("gt_to_pred", "pred_to_gt"))
        there_mm2, back_mm2 = found["surfel_areas_gt"], found["surfel_areas_pred"]
        return {
            "dice": published.compute_dice_coefficient(truth, predicted),
            "hd95_mm": published.compute_robust_hausdorff(found, 95),
            "hd_mm": max(there.max(), back.max()),
            "assd_mm": (there @ there_mm2 + back @ back_mm2) / (there_mm2.sum() + back_mm2.sum()),
            "nsd": published.compute_surface_dice_at_tolerance(found, TOLERANCE_MM),
        }

    return figures


LIBRARIES: dict[str, Callable[[], Callable[[Mask, Mask], Figures]]] = {
    "voxloop, elements": lambda: ours("elements"),
    "surface_distance": surface_distance,
    "voxloop, voxels": lambda: ours("voxels"),
    "monai": monai,
}


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    warnings.simplefilter("ignore")
    library, folder = sys.argv[1:]
    figures = LIBRARIES[library]()
    nothing = np.zeros((9, 9, 9), bool)
    nothing[4, 4, 4] = True
    # What is imported or worked out once is not of this scan.
    figures(nothing, nothing)
    truth, predicted = (np.load(f"{folder}/{mask}.npy") for mask in ("truth", "predicted"))
    before, started = peak(), time.process_time()
    found = figures(truth, predicted)
    took = time.process_time() - started
    print(json.dumps({"s": took, "MB": peak() - before, "figures": {key: float(found[key]) for key in found}}))


if __name__ == "__main__":
    main()
