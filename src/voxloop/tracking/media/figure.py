"""A figure as it is logged: plotly as its own JSON, matplotlib as SVG and PNG."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, ClassVar

from voxloop.errors import VoxloopError
from voxloop.tracking.media.protocol import Known, register
from voxloop.tracking.media.snapshot import kept, reason
from voxloop.tracking.params import text

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs


@register
class Figure:
    """A plot of plotly or matplotlib, drawn when it is logged; the figure itself stays open and as it was.

    vx.Figure(px.line(frame, x="epoch", y="dice"))
    vx.Figure(plt.gcf())
    """

    kind: ClassVar[str] = "figure"

    def __init__(self, figure: Any, caption: str | None = None) -> None:
        self.caption = None if caption is None else text(caption)
        self.files: dict[str, bytes] = {}
        # Axes and seaborn's grids know their figure.
        candidates: tuple[Any, ...] = (figure, getattr(figure, "figure", None))
        for given in candidates:
            library = _library(given)
            if library == "plotly" and hasattr(given, "to_json"):
                self.library, self.files = library, {"figure.json": _checked(given.to_json())}
            elif library == "matplotlib" and hasattr(given, "savefig"):
                self.library, self.files = library, _drawn(given)
            elif isinstance(given, dict) and "data" in given:
                self.library, self.files = "plotly", {"figure.json": _serialised(given)}
            if self.files:
                return
        raise VoxloopError(
            f"A {type(figure).__name__} is no figure; give a figure of plotly or matplotlib, or plotly's JSON as a dict."
        )

    @property
    def nbytes(self) -> int:
        return sum(map(len, self.files.values()))

    def __repr__(self) -> str:
        return f"Figure({self.library}, {self.nbytes / 1e3:.0f} kB)"

    def store(self, blobs: Blobs, known: Known | None = None) -> dict[str, Any]:
        """Puts what was drawn into the blob store and answers with what names it."""
        stored = [kept(content, name, blobs) for name, content in self.files.items()]
        preview = {"preview": stored[1]} if len(stored) > 1 else {}
        return {"library": self.library, "figure": stored[0], **preview, "caption": self.caption}


def _library(value: object) -> str:
    modules = {cls.__module__.partition(".")[0] for cls in type(value).__mro__}
    return next((name for name in ("plotly", "matplotlib") if name in modules), "")


def _checked(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _serialised(figure: dict[str, Any]) -> bytes:
    try:
        return _checked(json.dumps(figure, allow_nan=False, ensure_ascii=False))
    except (TypeError, ValueError) as error:
        raise VoxloopError(
            f"This dict is no plotly figure in JSON ({reason(error)}); give plotly's figure itself, or its to_plotly_json()."
        ) from error


def _drawn(figure: Any) -> dict[str, bytes]:
    """SVG and PNG. Each backend is named, so that the one on the screen stays the figure's own."""
    import matplotlib as mpl

    canvas, size = figure.canvas, figure.get_size_inches().copy()
    files = {}
    try:
        # Without the date and with one salt, equal plots are equal bytes, and one blob.
        with mpl.rc_context({"svg.hashsalt": "voxloop"}):
            for form, backend, told in (("svg", "svg", {"Date": None}), ("png", "agg", {"Software": None})):
                buffer = io.BytesIO()
                figure.savefig(buffer, format=form, backend=backend, metadata=told)
                files[f"figure.{form}"] = buffer.getvalue()
    except Exception as error:  # whatever was drawn may fail in its own way
        raise VoxloopError(f"matplotlib cannot draw this figure ({reason(error)}); mend what is plotted.") from error
    finally:
        if figure.canvas is not canvas:
            figure.set_canvas(canvas)
        figure.set_size_inches(size, forward=False)
    return files
