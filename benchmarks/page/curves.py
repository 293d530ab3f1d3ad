"""A hundred runs with a hundred thousand points each, as Compare draws them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

import voxloop as vx
from voxloop.store import open_project
from voxloop.store.series_writer import SeriesWriter

RUNS = 100
POINTS = 100_000
NAME = "train/loss"
# Counts the frames that are drawn while something goes on.
COUNT = """() => { window.frames_ = 0; const on = () => { window.frames_ += 1; window.loop_ = requestAnimationFrame(on); };
    window.loop_ = requestAnimationFrame(on); window.began_ = performance.now(); }"""
COUNTED = (
    "() => { cancelAnimationFrame(window.loop_); return window.frames_ / (performance.now() - window.began_) * 1000; }"
)
# Resolves when what was asked for has been drawn.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def fill(root: Path) -> None:
    """Noisy losses that fall at different rates, as a training writes them, straight into the store."""
    kinds = [("step", "<i8"), ("value", "<f8"), ("time", "<i8"), ("epoch", "<i4")]
    rng = np.random.default_rng(0)
    steps = np.arange(POINTS)
    ids = []
    for number in range(RUNS):
        params = {"lr": 10.0 ** -(1 + number % 4), "net": ("unet", "segresnet")[number % 2], "fold": number % 5}
        with vx.Run(name=f"net-{number}", experiment="spleen", params=params, project=root) as run:
            ids.append(run.id)
    with open_project(root) as project:
        for number, run_id in enumerate(ids):
            points = np.zeros(POINTS, kinds)
            points["step"], points["epoch"] = steps, steps // 1000
            points["value"] = np.exp(-steps / 2e4 / (1 + number % 4)) + rng.normal(0, 0.02, POINTS)
            points["time"] = 1_700_000_000_000_000 + np.cumsum(rng.integers(90_000, 110_000, POINTS))
            with project.writing() as connection:
                SeriesWriter(run_id).append(connection, [((NAME, "{}"), points)])


def first_curve(page: Page, url: str) -> float:
    started = time.perf_counter()
    page.goto(f"{url}/compare")
    page.locator(f"[data-name='{NAME}'][data-lines='{RUNS}']").wait_for()
    page.evaluate(DRAWN)
    return time.perf_counter() - started


def hovering(page: Page) -> float:
    box = page.get_by_test_id("surface").bounding_box()
    assert box is not None
    page.evaluate(COUNT)
    for place in range(60):
        page.mouse.move(box["x"] + box["width"] * (place + 1) / 62, box["y"] + box["height"] * (place % 7 + 1) / 9)
        page.wait_for_timeout(10)
    return float(page.evaluate(COUNTED))


def smoothing(page: Page) -> float:
    slider = page.get_by_label("Smoothing")
    slider.focus()
    page.evaluate(COUNT)
    for _ in range(40):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(10)
    return float(page.evaluate(COUNTED))
