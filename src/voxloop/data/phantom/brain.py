"""A brain with a tumour in four MRI channels, labelled and named exactly as the Decathlon's Task01 names them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.phantom import layout
from voxloop.data.phantom.abdomen import Hospital
from voxloop.data.phantom.headers import Header, Size
from voxloop.data.phantom.layout import PhantomCase, PhantomReport, Progress
from voxloop.data.phantom.shapes import Ellipsoid, Field, Wobble, points_of, turn

SHAPES = {"small": ((48, 48, 36), 4.0), "medium": ((120, 120, 78), 2.0), "full": ((240, 240, 155), 1.0)}

# Relative brightness of each tissue in FLAIR, T1w, T1gd, T2w.
TISSUES: dict[str, tuple[float, float, float, float]] = {
    "white": (0.48, 0.72, 0.74, 0.38),
    "grey": (0.62, 0.55, 0.57, 0.54),
    "fluid": (0.15, 0.22, 0.24, 0.98),
    "edema": (0.76, 0.46, 0.50, 0.82),
    "core": (0.60, 0.34, 0.36, 0.78),
    "enhancing": (0.72, 0.52, 1.06, 0.70),
    # Harmless spots of age, as bright as edema in FLAIR.
    "spot": (0.78, 0.56, 0.58, 0.74),
}
EDEMA, CORE, ENHANCING = 1, 2, 3


def make_brain_tumour(
    out: Path,
    cases: int,
    seed: int = 0,
    size: Size = "medium",
    hospital: Hospital = "A",
    test_cases: int | None = None,
    progress: Progress | None = None,
) -> PhantomReport:
    """Writes a dataset like Task01_BrainTumour. Every fifth case lacks one of the three tissues."""
    description = {
        "name": "BRATS",
        "description": f"Synthetic brain MRI with glioma labels (hospital {hospital}, seed {seed}); no patient was scanned",
        "reference": "voxloop data phantom brain_tumour",
        "licence": "CC0 1.0",
        "release": "1.0",
        "tensorImageSize": "4D",
        "modality": {"0": "FLAIR", "1": "T1w", "2": "T1gd", "3": "T2w"},
        "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
    }
    draw = partial(draw_case, seed=seed, size=size, hospital=hospital)
    asked = {"task": "brain_tumour", "seed": seed, "size": size, "hospital": hospital}
    return layout.make(out, description, "BRATS", cases, test_cases, draw, progress, asked)


def draw_case(index: int, seed: int, size: Size, hospital: Hospital) -> PhantomCase:
    """One patient: brain, ventricles, and a tumour as shells of one another."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng([seed, index, 1])
    shape, spacing = SHAPES[size]
    affine = np.diag([-spacing, -spacing, spacing, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    where = Geometry(shape, affine)
    points = points_of(where, (slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2])))
    brain = Ellipsoid((0, 0, 0), (68, 84, 62), None, Wobble.draw(rng, 3.0, 90.0)).distance(points)
    tissue = np.full(shape, "white", dtype="<U9")
    folds = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 5.0 / spacing)
    tissue[(brain > -11) | (folds / folds.std() > 1.1)] = "grey"
    for side in (1, -1):
        ventricle = Ellipsoid((side * 12, -4, 8), (7, 28, 10), turn(rng, 6), Wobble.draw(rng, 2.0, 40.0))
        tissue[ventricle.distance(points) < 0] = "fluid"
    for _ in range(int(rng.integers(5, 11))):
        middle = (rng.choice([-1, 1]) * rng.uniform(18, 40), rng.uniform(-50, 50), rng.uniform(-15, 35))
        size_mm = rng.uniform(4, 9)
        spot = Ellipsoid(middle, (size_mm, size_mm * 1.6, size_mm), turn(rng, 30), Wobble.draw(rng, 3.0, 20.0))
        tissue[spot.distance(points) < 0] = "spot"
    labels = _tumour(rng, points, missing=1 + int(rng.integers(3)) if index % 5 == 3 else None)
    labels[brain > -3] = 0
    for number, name in ((EDEMA, "edema"), (CORE, "core"), (ENHANCING, "enhancing")):
        tissue[labels == number] = name
    voxels = np.zeros((*shape, 4), np.int16)
    noise = rng.uniform(0.02, 0.035) * (1.6 if hospital == "B" else 1.0)
    for channel in range(4):
        image = np.zeros(shape, np.float32)
        for name, brightness in TISSUES.items():
            # Hospital B weights its sequences differently.
            shift = 0.12 * (0.5 - brightness[channel]) if hospital == "B" else 0.0
            image[tissue == name] = brightness[channel] + shift + rng.normal(0, 0.02)
        bias = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 40.0 / spacing)
        image = gaussian_filter(image, 0.6) * (1 + 0.25 * bias / max(1e-6, float(np.abs(bias).max())))
        image += gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 0.4) * noise
        # MRI has no unit: every channel of every case has a scale of its own, and zero is outside the brain.
        scaled = np.rint(np.maximum(image, 0.01) * rng.uniform(250, 1400))
        voxels[..., channel] = np.where(brain < 0, np.maximum(scaled, 1), 0)
    return PhantomCase(voxels, labels, Header(where, affine))


def _tumour(rng: np.random.Generator, points: Field, missing: int | None) -> npt.NDArray[np.uint8]:
    """Edema around an enhancing rim around a core that does not enhance."""
    side = float(rng.choice([-1.0, 1.0]))
    centre = (side * rng.uniform(24, 40), rng.uniform(-35, 35), rng.uniform(-8, 28))
    radius = rng.uniform(16, 24)
    radii = (
        radius * rng.uniform(0.8, 1.25),
        radius * rng.uniform(0.8, 1.25),
        radius * rng.uniform(0.8, 1.25),
    )
    reach = Ellipsoid(centre, radii, turn(rng, 25), Wobble.draw(rng, 5.0, 45.0)).distance(points)
    labels = np.zeros(points.shape[:3], np.uint8)
    if missing != EDEMA:
        wide = Ellipsoid(centre, radii, turn(rng, 25), Wobble.draw(rng, 7.0, 35.0)).distance(points)
        labels[wide < rng.uniform(4, 9)] = EDEMA
    labels[reach < -3] = CORE if missing == ENHANCING else ENHANCING
    if missing != CORE:
        labels[reach < -radius * rng.uniform(0.22, 0.34)] = CORE
    return labels
