"""The abdomen in CT: a body with its organs, among them a spleen that its intensity alone does not give away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.phantom import layout
from voxloop.data.phantom.headers import Size, header
from voxloop.data.phantom.layout import PhantomCase, PhantomReport, Progress
from voxloop.data.phantom.shapes import Box, Ellipsoid, Field, Wobble, points_of, turn

Hospital = Literal["A", "B"]
AIR, FAT, LUNG = -1000.0, -100.0, -860.0


@dataclass(frozen=True, slots=True)
class Scanner:
    """How a hospital scans: contrast phase as mean HU and its spread between patients, noise, slice thickness."""

    hu: dict[str, tuple[float, float]]
    noise: tuple[float, float]
    thickness_mm: tuple[float, ...]
    field_mm: tuple[float, float]


SCANNERS: dict[str, Scanner] = {
    # Portal venous phase: spleen, liver, kidney and vessels lie on top of each other.
    "A": Scanner(
        {
            "spleen": (115, 12),
            "liver": (108, 12),
            "kidney": (140, 25),
            "muscle": (58, 6),
            "vessel": (145, 20),
            "bowel": (45, 25),
        },
        noise=(15, 26),
        thickness_mm=(1.5, 2.5, 3.0, 4.0, 5.0, 5.0, 6.0, 8.0),
        field_mm=(360, 400),
    ),
    # Without contrast medium, noisier, thicker, wider.
    "B": Scanner(
        {
            "spleen": (52, 5),
            "liver": (58, 7),
            "kidney": (35, 5),
            "muscle": (50, 5),
            "vessel": (42, 5),
            "bowel": (25, 20),
        },
        noise=(26, 38),
        thickness_mm=(3.0, 5.0, 7.0, 8.0),
        field_mm=(400, 460),
    ),
}
MATRIX = {"small": 72, "medium": 192, "full": 512}
# Coarse slices keep small cases small; the shape of the problem stays.
THINNEST_MM = {"small": 6.0, "medium": 2.5, "full": 1.5}


def make_spleen(
    out: Path,
    cases: int,
    seed: int = 0,
    size: Size = "medium",
    hospital: Hospital = "A",
    test_cases: int | None = None,
    progress: Progress | None = None,
) -> PhantomReport:
    """Writes a dataset like Task09_Spleen. Case i of a seed is the same whatever the number of cases."""
    description = {
        "name": "Spleen",
        "description": f"Synthetic abdominal CT with spleen labels (hospital {hospital}, seed {seed}); no patient was scanned",
        "reference": "voxloop data phantom spleen",
        "licence": "CC0 1.0",
        "release": "1.0",
        "tensorImageSize": "3D",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "spleen"},
    }
    draw = partial(draw_case, seed=seed, size=size, hospital=hospital, awkward=cases >= 8)
    asked = {"task": "spleen", "seed": seed, "size": size, "hospital": hospital}
    return layout.make(out, description, "spleen", cases, test_cases, draw, progress, asked)


def draw_case(index: int, seed: int, size: Size, hospital: Hospital, awkward: bool) -> PhantomCase:
    """One patient. In sets of eight and more, number 5 has lost its spleen, 3 is a short volume, and 6 cuts through the spleen."""
    rng = np.random.default_rng([seed, index, 9])
    scanner = SCANNERS[hospital]
    build = rng.uniform(0.9, 1.12)
    organs = anatomy(rng, scanner, build, spleen=not (awkward and index == 5))
    extent = rng.uniform(200, 280)
    centre = np.array([0.0, 0.0, rng.uniform(-10, 10)])
    spleen_z = organs.spleen.shape.centre[2] if organs.spleen is not None else 30.0
    if awkward and index == 3:
        extent, centre[2] = 90.0, spleen_z
    if awkward and index == 6:
        extent, centre[2] = 150.0, spleen_z - 80.0
    field = rng.uniform(*scanner.field_mm)
    side = MATRIX[size]
    thickness = max(THINNEST_MM[size], float(rng.choice(scanner.thickness_mm)))
    shape = (side, side, max(8, round(extent / thickness)))
    where = header(rng, index, shape, (field / side, field / side, thickness), centre)
    voxels = render(organs, where.geometry, rng, scanner)
    labels = organs.label(where.geometry)
    return PhantomCase(voxels, labels, where)


@dataclass(frozen=True, slots=True)
class Organ:
    """A shape of about one intensity, kept `within` another one and out of a third, its `dent`."""

    shape: Ellipsoid
    hu: float
    texture: float = 0.0
    within: Ellipsoid | None = None
    dent: Ellipsoid | None = None

    def distance(self, points: Field) -> Field:
        distance = self.shape.distance(points)
        if self.within is not None:
            distance = np.maximum(distance, self.within.distance(points))
        if self.dent is not None:
            distance = np.maximum(distance, -self.dent.distance(points))
        return distance


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Painted in order; what comes later covers what came before. The spleen is the last one, where there is one."""

    organs: tuple[Organ, ...]
    spleen: Organ | None

    def label(self, geometry: Geometry) -> npt.NDArray[np.uint8]:
        labels = np.zeros(geometry.shape, np.uint8)
        box = None if self.spleen is None else self.spleen.shape.box(geometry, 2.0)
        if box is not None and self.spleen is not None:
            labels[box] = self.spleen.distance(points_of(geometry, box)) < 0
        return labels


def anatomy(rng: np.random.Generator, scanner: Scanner, build: float, spleen: bool) -> Anatomy:
    """Organs where they usually are, in RAS millimetres around the middle of the upper abdomen, varied from patient to patient."""

    def hu(name: str) -> float:
        mean, spread = scanner.hu[name]
        return float(rng.normal(mean, spread))

    def near(x: float, y: float, z: float, spread: float = 6.0) -> tuple[float, float, float]:
        a, b, c = rng.normal((x * build, y * build, z), spread).tolist()
        return a, b, c

    def sized(x: float, y: float, z: float, spread: float = 0.1) -> tuple[float, float, float]:
        a, b, c = (np.array([x, y, z]) * build * rng.uniform(1 - spread, 1 + spread, 3)).tolist()
        return a, b, c

    def shape(
        centre: tuple[float, float, float],
        radii: tuple[float, float, float],
        degrees: float = 8,
        rough: float = 4.0,
    ) -> Ellipsoid:
        return Ellipsoid(centre, radii, turn(rng, degrees), Wobble.draw(rng, rough, 60.0))

    fat = rng.uniform(8, 30)
    width, depth = 150 * build, 105 * build
    long = 600.0
    slow = Wobble.draw(rng, 5.0, 220.0)
    muscle = Ellipsoid((0, 0, 0), (width, depth, long), None, slow)
    cavity = Ellipsoid((0, 2, 0), (width - 13, depth - 13, long), None, slow)

    def inner(shape: Ellipsoid, value: float, texture: float = 0.0) -> Organ:
        return Organ(shape, value, texture, within=cavity)

    organs = [
        Organ(Ellipsoid((0, -depth - fat - 22, 0), (260, 9, long)), -120.0),
        Organ(Ellipsoid((0, 0, 0), (width + fat, depth + fat, long), None, slow), FAT, 8),
        Organ(muscle, hu("muscle"), 8),
        Organ(Ellipsoid((0, 6, 0), (width - 20, depth - 20, long), None, slow), FAT + 12, 12),
    ]
    dome = rng.uniform(78, 100)
    for side in (1, -1):
        organs.append(inner(shape((side * 72 * build, -5, dome + 95), sized(62, 78, 110), 4, 3), LUNG, 25))
    organs += [
        inner(shape(near(72, 12, 32), sized(74, 66, 66), 10, 8), hu("liver"), 9),
        inner(shape(near(-2, 42, 42), sized(58, 36, 38), 12, 6), hu("liver"), 9),
    ]
    stomach = shape(near(-52, 34, 40), sized(38, 30, 46), 18, 6)
    organs += [inner(stomach, hu("bowel"), 22)]
    bubble = (stomach.centre[0], stomach.centre[1] + 14, stomach.centre[2] + 8)
    organs.append(inner(shape(bubble, sized(20, 11, 20, 0.3), 10, 3), -850.0))
    for side in (1, -1):
        kidney = near(side * 62, -44, -34 if side > 0 else -20, 5)
        organs.append(inner(shape(kidney, sized(25, 24, 50), 12, 3), hu("kidney"), 14))
        organs.append(
            inner(
                shape((kidney[0] - side * 10, kidney[1] + 4, kidney[2]), sized(10, 9, 20), 10, 2),
                FAT + 40,
                10,
            )
        )
    for _ in range(int(rng.integers(7, 13))):
        centre = near(float(rng.uniform(-90, 90)), float(rng.uniform(5, 65)), float(rng.uniform(-150, -50)))
        organs.append(inner(shape(centre, sized(19, 16, 22, 0.35), 40, 5), hu("bowel"), 20))
        if rng.random() < 0.5:
            organs.append(inner(shape((centre[0], centre[1] + 6, centre[2]), sized(9, 6, 10, 0.3), 20, 2), -800.0))
    vessel = hu("vessel")
    organs += [
        inner(shape((-6, -42, 0), (11 * build, 11 * build, long), 2, 3), vessel + 8, 4),
        inner(shape((20, -38, 0), (12 * build, 10 * build, long), 2, 3), vessel, 4),
        inner(shape(near(-42, -12, 12, 4), (44, 6, 6), 10, 3), vessel, 4),
        Organ(shape((0, -72 * build, 0), (24, 21, long), 1, 2), 210.0, 40),
        Organ(shape((0, -92 * build, 0), (9, 20, long), 1, 2), 330.0, 50),
    ]
    for number in range(-3, 6):
        for side in (1, -1):
            rib = (side * (width - 9), -30 + rng.normal(0, 4), number * 32.0 + rng.normal(0, 3))
            organs.append(Organ(Ellipsoid(rib, (5, 46, 6), turn(rng, 6)), 420.0, 60, within=muscle))
    # A volume of 60 to 450 mL, spread as wide as in patients.
    scale = float(np.clip(rng.lognormal(0.0, 0.2), 0.68, 1.4))
    where = near(-104, -28, 30, 6)
    bean = Ellipsoid(
        where,
        (25 * scale, 40 * scale, 54 * scale),
        turn(rng, 14),
        Wobble.draw(rng, 5.0, 70.0),
        float(rng.uniform(0.001, 0.004)),
    )
    dent = (where[0] + 27 * scale, where[1] + rng.normal(8, 4), where[2] + rng.normal(0, 8))
    hilum = Ellipsoid(dent, (14 * scale, 12 * scale, 22 * scale), turn(rng, 10), Wobble.draw(rng, 2.0, 40.0))
    value = hu("spleen")
    organ = Organ(bean, value, 7, within=cavity, dent=hilum)
    return Anatomy((*organs, organ), organ) if spleen else Anatomy(tuple(organs), None)


def render(organs: Anatomy, geometry: Geometry, rng: np.random.Generator, scanner: Scanner) -> npt.NDArray[np.int16]:
    """HU as a scanner would give them: soft edges, blur, noise that neighbours share, nothing below -1024."""
    from scipy.ndimage import gaussian_filter

    image = np.full(geometry.shape, AIR, np.float32)
    texture = _texture(rng, geometry)
    soft = 0.35 * float(np.mean(geometry.spacing_mm)) + 0.6
    for organ in organs.organs:
        box = organ.shape.box(geometry, 3 * soft)
        if box is None:
            continue
        distance = organ.distance(points_of(geometry, box))
        _paint(image, box, distance, organ.hu + organ.texture * texture[box], soft)
    blur = 0.9 / np.asarray(geometry.spacing_mm)
    image = gaussian_filter(image, np.clip(blur, 0.3, 1.2))
    noise = gaussian_filter(rng.standard_normal(geometry.shape, dtype=np.float32), (0.7, 0.7, 0.3))
    image += noise * np.float32(rng.uniform(*scanner.noise) / noise.std())
    return np.clip(np.rint(image), -1024, 3071).astype(np.int16)


def _paint(image: Field, box: Box, distance: Field, hu: Any, soft: float) -> None:
    share = np.clip(np.float32(0.5) - distance / np.float32(2 * soft), 0, 1)
    image[box] += share * (hu - image[box])


def _texture(rng: np.random.Generator, geometry: Geometry) -> Field:
    """A slow random field of about unit spread, so that no organ is flat."""
    from scipy.ndimage import gaussian_filter, zoom

    coarse = [
        max(4, round(side * spacing / 12)) for side, spacing in zip(geometry.shape, geometry.spacing_mm, strict=True)
    ]
    field = gaussian_filter(rng.standard_normal(coarse, dtype=np.float32), 0.8)
    fine = zoom(
        field / field.std(),
        [side / rough for side, rough in zip(geometry.shape, coarse, strict=True)],
        order=1,
    )
    return np.asarray(fine, np.float32)
