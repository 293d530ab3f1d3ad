"""Cases over HTTP: several runs side by side, and a run's epochs."""

from __future__ import annotations

from fastapi.testclient import TestClient

from tests.server.conftest import DICE, EPOCHS, Written

API = "/api/v1"


def test_a_board_tells_runs_side_by_side(client: TestClient, written: Written) -> None:
    said = client.get(f"{API}/cases", params={"run": [written.run_id, written.failed_id]}).json()
    assert said["metric"] == "val/dice"
    assert list(zip(said["cases"], said["classes"], strict=True)) == sorted(DICE)
    first, second = said["columns"]
    assert (first["name"], second["name"]) == ("unet-a", "unet-old")
    assert first["last"] == [DICE[key][-1] for key in sorted(DICE)]
    assert all(first["has_volume"])
    assert second["last"] == [None] * len(DICE)


def test_epochs_come_as_columns(client: TestClient, written: Written) -> None:
    said = client.get(f"{API}/cases/epochs", params={"run": written.run_id, "metric": "val/dice"}).json()
    assert said["epochs"] == list(EPOCHS)
    # What is no number cannot be said in JSON.
    assert said["values"] == [[v if v == v else None for v in DICE[key]] for key in sorted(DICE)]


def test_a_question_without_a_run_is_told_what_is_missing(client: TestClient) -> None:
    for path in ("/cases", "/cases?run=nobody", "/cases/epochs?run=nobody&metric=x"):
        answer = client.get(API + path)
        assert answer.status_code in (404, 422)
        assert answer.json()["detail"]
