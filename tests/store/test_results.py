"""A result is a list of records and a table: every number comes back, whatever the way out."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voxloop as vx
from tests.tracking.children import run_script
from voxloop.errors import VoxloopError
from voxloop.store import Project, RunRecord, SeriesRecord, open_project
from voxloop.store.results import Result, SeriesResult


def run_of(number: int = 0, **columns: Any) -> RunRecord:
    base: dict[str, Any] = {"name": f"run-{number}", "experiment": "e", "status": "finished", "created": 100.0}
    rest = {"ended": 160.5, "heartbeat": 150.0, "params": {}, "tags": (), "environment": {"host": "h"}, "notes": ""}
    later: dict[str, Any] = {"archived": False, "parent": None, "definitions": {}}
    return RunRecord(id=f"id-{number}", **{**base, **rest, **later, **columns})


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    for number, lr in enumerate((1e-3, 1e-4)):
        with vx.Run(name=f"unet-{number}", project=tmp_path, params={"optimizer": {"lr": lr}}) as run:
            run.define("val/*", best="max")
            for step in range(3):
                run.log({"val/dice": 0.5 + 0.1 * step * number}, step=step, epoch=step)
                run.log({"loss": math.nan if step == 1 else 1.0}, step=step, context={"case": f"spleen_{number}"})
    with open_project(tmp_path) as opened:
        yield opened


def runs(project: Project) -> Result[RunRecord]:
    return Result(sorted(project.runs(), key=lambda run: run.name), metrics=project.plain_series)


def series(project: Project) -> SeriesResult:
    records = [one for run in runs(project) for one in project.series_of(run.id)]
    return SeriesResult(records, project.points, lambda ids: {one: project.run(one).name for one in ids})


# A list


def test_a_result_is_a_sequence_of_records() -> None:
    records = [run_of(number) for number in range(4)]
    result = Result(records)
    assert (len(result), result[1], list(result), result == records) == (4, records[1], records, True)
    assert result[1:3] == records[1:3]
    assert isinstance(result[1:3], Result)
    (only,) = result[:1]
    assert only is records[0]
    assert Result([]) == []
    assert repr(result) == "Result(4 × RunRecord)"


# A table


def test_nested_params_are_dotted_columns_and_lists_are_json() -> None:
    params = {"optimizer": {"lr": 0.1, "betas": [0.9, 0.99]}, "a.b": 1, "none": None, "empty": {}}
    table = Result([run_of(params=params, tags=("x", "ü")), run_of(1)]).table()
    assert table["params.optimizer.lr"] == [0.1, None]
    assert table["params.optimizer.betas"] == [[0.9, 0.99], None]
    assert table['params["a.b"]'] == [1, None]
    assert table["params.empty"] == [{}, None]
    assert table["duration_s"] == [60.5, 60.5]
    assert not [name for name in table if name.startswith("environment")]
    frame = Result([run_of(params=params, tags=("x", "ü"))]).to_pandas()
    assert frame["params.optimizer.betas"][0] == "[0.9, 0.99]"
    assert frame["tags"][0] == '["x", "ü"]'


def test_columns_choose_by_name_or_by_what_they_lie_below(project: Project) -> None:
    table = runs(project).table(["name", "params.optimizer.lr", "metrics.val/dice.max", "environment.python"])
    assert list(table) == ["name", "params.optimizer.lr", "metrics.val/dice.max", "environment.python"]
    assert table["metrics.val/dice.max"] == [0.5, 0.7]
    assert list(runs(project).table(["params", "name"])) == ["params.optimizer.lr", "name"]
    assert list(runs(project).table(["metrics.val/dice"])) == [
        f"metrics.val/dice.{one}" for one in ("last", "min", "max", "best", "first", "count")
    ]
    assert {"metrics.val/dice.last", "metrics.val/dice.best"} <= set(runs(project).table())
    with pytest.raises(VoxloopError, match=r'No record has the column "params.optimiser.lr"; did you mean params.opt'):
        runs(project).table(["params.optimiser.lr"])
    assert Result([]).table(["name"]) == {"name": []}


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=6)
cells = st.one_of(scalars, st.lists(scalars, max_size=2))


def same(before: Any, after: Any) -> bool:
    both_nan = isinstance(before, float) and isinstance(after, float) and math.isnan(before) and math.isnan(after)
    return both_nan or (type(before) is type(after) and before == after)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(cells, min_size=1, max_size=5))
def test_every_value_comes_back_from_every_file(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("t")
    result = Result([run_of(number, params={"x": value}) for number, value in enumerate(values)])
    rows = json.loads(result.to_json(folder / "t.json"))
    assert json.loads((folder / "t.json").read_text()) == rows
    text = result.to_csv(folder / "t.csv", columns=["params.x"])
    assert (folder / "t.csv").read_bytes().decode() == text
    _, *lines = csv.reader(io.StringIO(text, newline=""))
    result.to_parquet(folder / "t.parquet")
    stored = pd.read_parquet(folder / "t.parquet", dtype_backend="pyarrow")
    assert list(stored["name"]) == [run.name for run in result]
    for value, row, line in zip(values, rows, lines, strict=True):
        if isinstance(value, float) and not math.isfinite(value):
            assert same(value, float(row["params.x"]))
        elif not isinstance(value, list):
            assert same(value, row["params.x"])
        if isinstance(value, float):
            assert same(value, float(line[0]))
        elif isinstance(value, int | str):
            assert line[0] == str(value)
        elif value is None:
            # A row that has nothing but an empty cell is an empty line to some readers.
            assert line in ([""], [])


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.none() | st.floats(), min_size=1, max_size=5))
def test_a_missing_number_is_no_nan_in_parquet(
    tmp_path_factory: pytest.TempPathFactory, values: list[float | None]
) -> None:
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("t") / "t.parquet"
    Result([run_of(number, params={"x": value}) for number, value in enumerate(values)]).to_parquet(path, ["params.x"])
    back = pq.read_table(path)["params.x"].to_pylist()
    assert all(same(before, after) for before, after in zip(values, back, strict=True))


def test_a_formula_is_left_as_it_is_unless_it_is_for_a_spreadsheet(tmp_path: Path) -> None:
    result = Result([run_of(name="=HYPERLINK(1)", notes="-1", params={"x": -1.5, "ü": "@a"})])
    exact = result.to_csv(columns=["name", "notes", "params.x", "params.ü"])
    assert exact.splitlines()[1] == "=HYPERLINK(1),-1,-1.5,@a"
    safe = result.to_csv(tmp_path / "t.csv", ["name", "notes", "params.x", "params.ü"], spreadsheet=True)
    assert safe.splitlines()[1] == "'=HYPERLINK(1),'-1,-1.5,'@a"
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_numpy_takes_what_is_numbers(project: Project) -> None:
    chosen = runs(project).to_numpy(["params.optimizer.lr", "metrics.val/dice.max"])
    assert chosen.tolist() == [[1e-3, 0.5], [1e-4, 0.7]]
    assert runs(project).to_numpy().shape[0] == 2
    with pytest.raises(VoxloopError, match='The column "name" holds more than numbers'):
        runs(project).to_numpy(["name"])
    assert np.isnan(Result([run_of(params={"a": 1}), run_of()]).to_numpy(["params.a"])[1, 0])


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    result = Result([run_of()])
    for write in (result.to_csv, result.to_json, result.to_parquet):
        with pytest.raises(VoxloopError, match=r"Cannot write .*nowhere"):
            write(tmp_path / "nowhere" / "t")


@pytest.mark.parametrize(("library", "call"), [("pandas", "to_pandas()"), ("pyarrow", "to_parquet('x')")])
def test_a_library_that_is_missing_is_named_with_the_way_to_get_it(library: str, call: str) -> None:
    said = run_script(
        f"""
import sys
sys.modules[{library!r}] = None
from voxloop.errors import VoxloopError
from voxloop.store.results import Result
result = Result([])
assert result.to_csv().strip() + result.to_json() == "[]"
assert "pandas" not in [name for name, module in sys.modules.items() if module]
try:
    result.{call}
except VoxloopError as error:
    print(error)
"""
    )
    assert said.startswith(f"{library} is not installed")
    assert 'pip install "voxloop[tables]"' in said


# Points


def test_series_are_a_table_of_points(project: Project) -> None:
    frame = series(project).to_pandas()
    assert list(frame) == ["run", "run_name", "name", "context.case", "step", "value", "time", "epoch"]
    dice = frame[(frame["name"] == "val/dice") & (frame["run_name"] == "unet-1")]
    assert dice["value"].tolist() == [0.5, 0.6, 0.7]
    assert dice["epoch"].tolist() == [0, 1, 2]
    loss = frame[frame["context.case"] == "spleen_1"]
    assert loss["value"].isna().tolist() == [False, True, False]
    assert loss["epoch"].isna().all()
    assert (frame["step"].dtype, frame["value"].dtype, str(frame["epoch"].dtype)) == ("int64", "float64", "Int32")


def test_points_come_out_of_every_door_bit_for_bit(project: Project, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    result = series(project)
    array = result.to_numpy()
    expected = np.concatenate([project.points(one.id).values for one in result])
    assert array["value"].tobytes() == expected.tobytes()
    assert array["series"].tolist() == [place for place, one in enumerate(result) for _ in range(one.count)]
    result.to_parquet(tmp_path / "t.parquet")
    stored = pq.read_table(tmp_path / "t.parquet")
    assert stored["value"].to_numpy().tobytes() == expected.tobytes()
    assert stored["epoch"].null_count == 6
    rows = json.loads(result.to_json(columns=["context.case", "value", "epoch"]))
    assert [row["value"] for row in rows[:3]] == [1.0, "NaN", 1.0]
    assert rows[0] == {"context.case": "spleen_0", "value": 1.0, "epoch": None}
    lines = result.to_csv(columns=["name", "value", "epoch"]).splitlines()
    assert lines[:3] == ["name,value,epoch", "loss,1.0,", "loss,NaN,"]


def test_points_are_read_only_when_they_are_asked_for(project: Project) -> None:
    read: list[int] = []

    def points(series_id: int) -> Any:
        read.append(series_id)
        return project.points(series_id)

    records = series(project)[:]
    lazy = SeriesResult(records, points)
    assert len(lazy[1:]) == 3
    assert lazy.summaries.table(["name", "count", "context.case"])["count"] == [3] * 4
    assert read == []
    assert len(lazy[:1].to_pandas()) == 3
    assert read == [records[0].id]
    assert SeriesResult([], points).to_pandas().columns.tolist() == ["run", "name", "step", "value", "time", "epoch"]
    assert all(isinstance(one, SeriesRecord) for one in lazy)
