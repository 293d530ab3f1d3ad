"""A report as one HTML file: nothing is loaded, nothing runs, everything that was logged is only text."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from voxloop.reports.curves import svg
from voxloop.reports.gathering import Choice, ClassFigures, Report, WorstCase

# What of a run's surroundings helps somebody else; names of machines, people and folders stay where they are.
TOLD = ("python", "voxloop", "torch", "monai", "cuda", "commit", "branch", "dirty", "gpu", "gpus", "cpu")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
MOST_PARAMS = 200


def as_html(report: Report, choice: Choice | None = None, now: float | None = None) -> str:
    """The whole file."""
    choice = choice or Choice()
    run = report.run
    names = _Names(report.secret, choice.anonymous)
    params = [(name, _said(value)) for name, value in _flat(run.params)]
    parts = [
        _head(report, names, now if now is not None else time.time()),
        _figures(report),
        _cases(report, choice),
        _curves(report),
        _table("Params", names.kept(params[:MOST_PARAMS]), len(params) - MOST_PARAMS),
        _table(
            "Made and used",
            names.kept([("made", ref) for ref in report.made] + [("used", ref) for ref in report.used]),
        ),
        _table("Surroundings", [(name, _said(value)) for name, value in _told(run.environment)]),
    ]
    title = escape(names.out_of(run.name))
    style = files("voxloop.reports").joinpath("report.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title} · Voxloop report</title>\n<style>\n{style}</style>\n'
        f"</head>\n<body>\n<main>\n{''.join(parts)}</main>\n"
        "<footer>Made by Voxloop. Research use only: Voxloop is not a medical device, and predictions are not a diagnosis.</footer>\n"
        "</body>\n</html>\n"
    )


# The folders of an absolute path, which are often called after a person or a project.
FOLDERS = re.compile(r"(?<![\w.])(?:[A-Za-z]:|~)?[\\/](?:[^\s\\/:*?\"'<>|]+[\\/])+")


class _Names:
    """What would name a case or a person is left out of a report that is to name none."""

    def __init__(self, secret: Iterable[str], anonymous: bool) -> None:
        self._anonymous = anonymous
        # A name within a file's name is one too; within a longer word or number it is none.
        said = "|".join(re.escape(name) for name in sorted(secret, key=len, reverse=True))
        self._found = re.compile(rf"(?<![^\W_])(?:{said})(?![^\W_])", re.IGNORECASE) if said else None

    def out_of(self, text: str) -> str:
        if self._anonymous:
            text = FOLDERS.sub("…/", text)
        return self._found.sub("…", text) if self._found else text

    def kept(self, rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(self.out_of(name), self.out_of(value)) for name, value in rows]


def _head(report: Report, names: _Names, now: float) -> str:
    run = report.run
    facts = [
        names.out_of(run.experiment),
        run.status,
        f"began {_moment(run.created)}",
        _duration(run.duration_s),
        run.id,
    ]
    tags = "".join(f'<span class="tag">{escape(names.out_of(tag))}</span>' for tag in run.tags)
    notes = f'<p class="notes">{escape(names.out_of(run.notes))}</p>' if run.notes else ""
    return (
        f"<header><h1>{escape(names.out_of(run.name))}</h1><p class='soft'>{' · '.join(escape(fact) for fact in facts if fact)} {tags}</p>"
        f"<p class='soft'>Report of {_moment(now)}</p>{notes}</header>\n"
    )


def _figures(report: Report) -> str:
    if not report.figures:
        return "<p class='soft'>This run has logged no numbers of its own.</p>\n"
    rows = "".join(
        f"<tr><td>{escape(one.name)}</td><td class='num'>{_number(one.last)}</td><td class='num'>{_number(one.best)}</td></tr>"
        for one in report.figures
    )
    head = "<tr><th>name</th><th class='num'>last</th><th class='num'>best</th></tr>"
    return f"<section><h2>Figures</h2><table><thead>{head}</thead><tbody>{rows}</tbody></table></section>\n"


def _cases(report: Report, choice: Choice) -> str:
    if not report.classes:
        return ""
    rows = "".join(
        f"<tr><td>{escape(one.name or 'all')}</td><td class='num'>{_counted(one)}</td><td class='num'>{_score(one.median)}</td>"
        f"<td class='num'>{_score(one.low)} – {_score(one.high)}</td><td class='num'>{_score(one.worst)}</td></tr>"
        for one in report.classes
    )
    better = "higher is better" if report.goal == "max" else "lower is better"
    legend = (
        "<p class='soft'>Left the truth as an outline, right where the prediction differs in the class that is named: <i class='missed'></i> missed"
        " <i class='extra'></i> extra <i class='other'></i> another class. The patient's right is on the left.</p>"
        if choice.pictures and any(one.seen for one in report.worst)
        else ""
    )
    worst = "".join(_worst(one, choice) for one in report.worst)
    return (
        f"<section><h2>Cases by {escape(report.metric)}, {better}</h2><p class='soft'>The last value of each case.</p>"
        f"<table><thead><tr><th>class</th><th class='num'>cases</th>"
        f"<th class='num'>median</th><th class='num'>quartiles</th><th class='num'>worst</th></tr></thead><tbody>{rows}</tbody></table></section>\n"
        f"<section><h2>The worst {len(report.worst)}</h2>{legend}<div class='worst'>{worst}</div></section>\n"
    )


def _worst(one: WorstCase, choice: Choice) -> str:
    pictures = ""
    if one.seen is not None:
        said = escape(f"{one.case}, {one.seen.said}")
        pictures = (
            f"<div class='pair'><img src='{_data(one.seen.truth)}' alt='{said}: the truth'>"
            f"<img src='{_data(one.seen.difference)}' alt='{said}: where the prediction differs'></div><p class='soft'>{escape(one.seen.said)}</p>"
        )
    elif choice.pictures:
        pictures = f"<p class='soft'>{escape(one.why_not)}</p>"
    step = "" if one.step is None else f"<span class='soft'>step {one.step}</span>"
    return (
        f"<figure><figcaption><b>{escape(one.case)}</b><span>{escape(one.class_name)}</span>{step}<span class='num'>{_score(one.value)}</span>"
        f"</figcaption>{pictures}</figure>"
    )


def _curves(report: Report) -> str:
    if not report.figures:
        return ""
    drawn = "".join(
        f"<figure><figcaption>{escape(one.name)}</figcaption>{svg(one.points)}</figure>" for one in report.figures
    )
    return (
        f"<section><h2>Curves</h2><div class='curves'>{drawn}</div>{_more(report.more_figures, 'series')}</section>\n"
    )


def _more(count: int, what: str) -> str:
    return f"<p class='soft'>{count} more {what} are in the project, and not in this report.</p>" if count > 0 else ""


def _table(title: str, rows: list[tuple[str, str]], more: int = 0) -> str:
    if not rows:
        return ""
    said = "".join(f"<tr><td>{escape(name)}</td><td class='mono'>{escape(value)}</td></tr>" for name, value in rows)
    return f"<section><h2>{title}</h2><table class='wide'><tbody>{said}</tbody></table>{_more(more, title.lower())}</section>\n"


def _flat(tree: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _told(environment: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return (
        (name, value)
        for name, value in _flat(environment)
        if name.rpartition(".")[2].lower() in TOLD and value is not None
    )


def _said(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 300 else f"{text[:300]} …"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}".replace("-", "−")


def _counted(one: ClassFigures) -> str:
    return f"{one.count}, {one.without} without a number" if one.without else str(one.count)


def _score(value: float) -> str:
    return f"{value:.3f}".replace("inf", "∞").replace("-", "−")


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
