"""What is written opens where it is meant to: pandas and spreadsheets, other programs, a paper."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.inference.evaluation.made import evaluation_of
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation import Contest, Failure
from voxloop.inference.evaluation.comparing import compare_all
from voxloop.inference.evaluation.paper import escaped
from voxloop.inference.evaluation.ranking import rank_all
from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.showing import show
from voxloop.inference.evaluation.statistics import summarise
from voxloop.inference.evaluation.wording import number, title, usual
from voxloop.inference.evaluation.writing import require_free, write
from voxloop.inference.metrics import BY_KEY, METRICS, Metric

HOW = Resampling(resamples=200)
DICE = BY_KEY["dice"]


def contest_of(models: str = "AB", cases: int = 12) -> Contest:
    rng = np.random.default_rng(0)
    dice = {name: rng.random(cases) for name in ("spleen", "Müller_Lappen 50%")}
    evaluations = [
        evaluation_of({name: {"dice": np.clip(values - 0.1 * number, 0, 1)} for name, values in dice.items()}, model)
        for number, model in enumerate(models)
    ]
    if len(models) == 1:
        return Contest(tuple(evaluations))
    return Contest(tuple(evaluations), tuple(compare_all(evaluations, HOW)), tuple(rank_all(evaluations, HOW)))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Contest, Path]:
    contest, folder = contest_of(), tmp_path_factory.mktemp("out")
    write(contest, folder, HOW, [DICE, BY_KEY["difference_ml"]])
    return contest, folder


def test_every_file_is_there_and_none_is_half(written: tuple[Contest, Path]) -> None:
    names = ["cases.csv", "comparison.csv", "evaluation.json", "figure.pdf", "figure.svg"]
    assert sorted(path.name for path in written[1].iterdir()) == [
        *names,
        "ranking.csv",
        "summary.csv",
        "table.md",
        "table.tex",
    ]


def test_cases_have_a_column_for_every_metric_and_a_row_for_every_model_case_and_class(
    written: tuple[Contest, Path],
) -> None:
    import pandas as pd

    contest, folder = written
    table = pd.read_csv(folder / "cases.csv")
    assert list(table.columns) == ["model", "case", "patient", "class", *(metric.key for metric in METRICS)]
    assert len(table) == 2 * 12 * 2
    for one in contest.evaluations:
        mine = table[(table["model"] == one.model) & (table["class"] == "Müller_Lappen 50%")].sort_values("case")
        assert mine["dice"].to_numpy() == pytest.approx(one.figures("Müller_Lappen 50%", "dice"))


def test_letters_beyond_english_open_in_a_spreadsheet(written: tuple[Contest, Path], tmp_path: Path) -> None:
    """By the mark at the beginning; a file that does not need it goes without, for R and others stumble over it."""
    assert (written[1] / "cases.csv").read_bytes().startswith(b"\xef\xbb\xbfmodel,")
    plain = Contest((evaluation_of({"spleen": {"difference_ml": [0.5, float("nan")]}}),))
    write(plain, tmp_path, HOW, [DICE])
    assert (tmp_path / "cases.csv").read_bytes().startswith(b"model,")
    with (tmp_path / "cases.csv").open(newline="") as file:
        assert {row["case"]: row["difference_ml"] for row in csv.DictReader(file)} == {
            "case_000": "0.5",
            "case_001": "",
        }
    assert {path.name for path in tmp_path.iterdir()}.isdisjoint({"comparison.csv", "ranking.csv"})


def test_a_case_that_looks_like_a_formula_is_none(tmp_path: Path) -> None:
    one = evaluation_of({"spleen": {"dice": [0.5]}})
    odd = replace(one, cases=(replace(one.cases[0], case='=HYPERLINK("http://x")'),))
    write(Contest((odd,)), tmp_path, HOW, [DICE])
    assert "'=HYPERLINK" in (tmp_path / "cases.csv").read_text()


def test_the_other_tables_say_what_the_document_says(written: tuple[Contest, Path]) -> None:
    import pandas as pd

    contest, folder = written
    document = json.loads((folder / "evaluation.json").read_text())
    assert document == contest.as_dict(HOW)
    summary = pd.read_csv(folder / "summary.csv").set_index(["model", "class", "metric"])
    for model in document["models"]:
        for name, each in model["summary"].items():
            row = summary.loc[(model["model"], name, "dice")]
            said = each["dice"]
            assert [row["mean"], row["sd"], row["n"], row["ci_low"], row["ci_high"]] == pytest.approx(
                [said["mean"], said["sd"], said["n"], *said["ci"]]
            )
    comparison = pd.read_csv(folder / "comparison.csv")
    assert list(comparison["p_holm"]) == pytest.approx([one["p_holm"] for one in document["comparisons"]])
    assert list(comparison["sentence"]) == [one["sentence"] for one in document["comparisons"]]
    ranking = pd.read_csv(folder / "ranking.csv")
    firsts = ranking[(ranking["rank"] == 1) & (ranking["metric"] == "dice")]
    assert set(firsts["model"]) == {"A"}


def test_the_tables_of_a_paper_hold_mean_median_and_interval(written: tuple[Contest, Path]) -> None:
    contest, folder = written
    said = summarise(contest.evaluations[0], HOW)["spleen"]["dice"]
    mean = f"{said.mean:.3f} ± {said.sd:.3f} [{said.low:.3f}, {said.high:.3f}]"
    median = f"{said.median:.3f} [{said.q1:.3f}, {said.q3:.3f}]"
    markdown, latex = ((folder / f"table.{ending}").read_text() for ending in ("md", "tex"))
    for words in (mean, median):
        assert words in markdown
        assert words.replace("±", r"$\pm$") in latex
    for table in (part for part in markdown.split("\n\n") if part.startswith("|")):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.strip().splitlines()}) == 1
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 3
    assert r"M" + "üller\\_Lappen 50\\%" in latex
    bodies = re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", latex, re.DOTALL)
    for columns, body in bodies:
        assert {len(re.findall(r"(?<!\\)&", row)) for row in body.split(r"\\") if "&" in row} == {len(columns) - 1}


def test_nothing_in_a_name_is_latex() -> None:
    assert escaped(r"a_b & 5% #1 {x} \y ~ ^ $") == (
        r"a\_b \& 5\% \#1 \{x\} \textbackslash{}y \textasciitilde{} \textasciicircum{} \$"
    )
    assert escaped("-0.5 [-1.0, 2.0] spleen-ct:v3 p < 0.001") == "$-$0.5 [$-$1.0, 2.0] spleen-ct:v3 p $<$ 0.001"


def test_a_figure_that_fewer_cases_have_says_so(tmp_path: Path) -> None:
    nan = float("nan")
    one = Contest(
        (evaluation_of({"spleen": {"difference_ml": [0.5, 0.7, nan]}, "liver": {"difference_ml": [nan] * 3}}),)
    )
    write(one, tmp_path, HOW, [BY_KEY["difference_ml"]])
    table = (tmp_path / "table.md").read_text()
    assert re.search(r"\| spleen \| 3 \| 0\.6 ± 0\.1 \[0\.5, 0\.7\] \(n = 2\) \|", table)
    assert "| liver | 3 | – |" in table
    assert json.loads((tmp_path / "evaluation.json").read_text())["summary"]["liver"]["difference_ml"]["mean"] is None


def test_the_figure_is_the_same_for_the_same_figures_and_is_left_out_without_matplotlib(
    written: tuple[Contest, Path], tmp_path: Path
) -> None:
    assert (written[1] / "figure.svg").read_text().startswith("<?xml")
    assert (written[1] / "figure.pdf").read_bytes().startswith(b"%PDF")
    code = f"""
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.figure"] = None
from pathlib import Path
from tests.inference.evaluation.test_writing import DICE, HOW, contest_of
from voxloop.inference.evaluation.writing import write
print(*(path.name for path in write(contest_of("A"), Path({str(tmp_path)!r}), HOW, [DICE])))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["cases.csv", "summary.csv", "table.md", "table.tex", "evaluation.json"]


def test_an_earlier_evaluation_is_not_written_over_unasked(written: tuple[Contest, Path], tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match="holds an evaluation already; choose another --out, or add --overwrite"):
        require_free(written[1], overwrite=False)
    require_free(written[1], overwrite=True)
    require_free(tmp_path / "new" / "folder", overwrite=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(VoxloopError, match="cannot be made"):
        require_free(tmp_path / "file", overwrite=False)


@pytest.mark.parametrize("metrics", [usual(), list(METRICS) * 4], ids=["usual", "many"])
@pytest.mark.parametrize("models", ["A", "AB", "ABCD"])
def test_the_terminal_is_readable_at_100_columns(models: str, metrics: list[Metric]) -> None:
    from io import StringIO

    from rich.console import Console

    out = StringIO()
    contest = contest_of(models, cases=30)
    first = replace(contest.evaluations[0], notes=("A: x is of no case of the dataset.",))
    show(replace(contest, evaluations=(first, *contest.evaluations[1:])), HOW, metrics, Console(file=out, width=100))
    said = out.getvalue()
    rows = [line for line in said.splitlines() if line[:1] in "│┃┏┗├└┡"]
    assert max(map(len, rows)) <= 100
    for metric in metrics:
        assert title(metric) in said, "no name of a metric is cut"
    assert "A: x is of no case of the dataset." in said
    assert ("and 20 better rows" in said) == (models == "A")
    assert ("A is better than B in Dice of spleen by 0.0" in " ".join(said.split())) == (len(models) > 1)
    assert ("A is first in mean Dice of spleen" in said) == (len(models) > 2)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("dice", 0.97654, "0.977"),
        ("dice", 1.0, "1.000"),
        ("dice", float("nan"), "–"),
        ("difference_ml", -12.345, "-12.3"),
        ("difference_ml", float("inf"), "–"),
    ],
)
def test_numbers_have_the_digits_of_their_unit(key: str, value: float, expected: str) -> None:
    assert number(BY_KEY[key], value) == expected


def test_what_is_incomplete_says_so_in_the_table_too(tmp_path: Path) -> None:
    one = replace(evaluation_of({"spleen": {"dice": [0.5, 0.6]}}), failed=(Failure("case_9", "it is damaged"),))
    write(Contest((one,)), tmp_path, HOW, [DICE])
    assert "Incomplete: 1 without figures." in (tmp_path / "table.md").read_text()
