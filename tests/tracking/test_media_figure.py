"""A figure is drawn when it is logged, and is afterwards what it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxloop as vx
from voxloop.store.blobs import Blobs
from voxloop.store.contents import content_of


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture
def plt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    # A backend that needs no screen and is not the one that draws.
    monkeypatch.setenv("MPLBACKEND", "svg")
    from matplotlib import pyplot

    before = pyplot.get_backend()
    pyplot.switch_backend("svg")
    yield pyplot
    pyplot.close("all")
    pyplot.switch_backend(before)


def test_a_plot_of_matplotlib_is_kept_as_svg_and_png(plt: Any, blobs: Blobs) -> None:
    figure, axes = plt.subplots()
    axes.plot([1, 3, 2], label="loss")
    for given in (figure, axes):
        data = vx.Figure(given, caption="loss").store(blobs)
        assert data["library"] == "matplotlib"
        assert b"<svg" in content_of(blobs, "figure", data)
        assert blobs.get(data["preview"]["digest"]).startswith(b"\x89PNG")


def test_drawing_leaves_the_figure_as_it_was(plt: Any) -> None:
    figure, axes = plt.subplots(figsize=(3, 2), dpi=70, facecolor="red")
    line = axes.plot([1, 3, 2])[0]

    def state() -> tuple[Any, ...]:
        return (
            figure.canvas,
            figure.canvas.manager,
            figure.dpi,
            tuple(figure.get_size_inches()),
            figure.get_facecolor(),
            plt.get_fignums(),
            plt.get_backend(),
            axes.lines[:] == [line],
        )

    before = state()
    vx.Figure(figure)
    assert state() == before


def test_what_is_plotted_later_is_not_in_it(plt: Any) -> None:
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    before, same = vx.Figure(figure), vx.Figure(figure)
    axes.plot([5, 6])
    assert before.files == same.files
    assert vx.Figure(figure).files["figure.svg"] != before.files["figure.svg"]


def test_a_figure_without_pyplot_is_drawn_too() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])
    assert set(vx.Figure(figure).files) == {"figure.svg", "figure.png"}


def test_a_plot_that_cannot_be_drawn_is_refused_in_a_sentence(plt: Any) -> None:
    figure, axes = plt.subplots()
    axes.set_title("$\\frac{broken$")
    with pytest.raises(vx.VoxloopError, match="matplotlib cannot draw this figure") as caught:
        vx.Figure(figure)
    assert "\n" not in str(caught.value)


def test_a_plot_of_plotly_is_kept_as_its_own_json(blobs: Blobs) -> None:
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(x=np.arange(3), y=[1.0, float("nan"), 2.0]), layout={"title": {"text": "Dice – ä"}})
    medium = vx.Figure(figure)
    figure.update_layout(title="changed")
    found = content_of(blobs, "figure", medium.store(blobs))
    assert found["layout"]["title"]["text"] == "Dice – ä"
    assert go.Figure(found).data[0].y is not None
    json.dumps(found, allow_nan=False)


def test_plotlys_json_is_taken_as_it_is(blobs: Blobs) -> None:
    given = {"data": [{"type": "bar", "y": [1, 2]}], "layout": {}}
    assert content_of(blobs, "figure", vx.Figure(given).store(blobs)) == given
