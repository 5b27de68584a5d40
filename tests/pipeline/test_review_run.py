"""A run stops before it begins when a reviewer's workbook can't be read, and says where."""

from pathlib import Path

import openpyxl
from typer.testing import CliRunner

from profile_pipeline.cli import app
from tests.unit.small_plan import filled_folder


def test_a_word_that_is_no_decision_stops_the_run_with_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    filled_folder(folder)
    (folder / "review").mkdir(exist_ok=True)
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Review"
    page.append(["pair", "decision", "who", "when", "why", "identity a", "identity b"])
    page.append([1, "maybe", "AB", "2016-04-30", "", "a" * 32, "b" * 32])
    book.save(folder / "review" / "mine.xlsx")
    done = CliRunner().invoke(app, ["run", "--profile", str(folder)])
    assert done.exit_code == 2
    assert "review/mine.xlsx, sheet Review, row 2: holds another word" in done.output
    assert "maybe" not in done.output
    assert not (folder / "warehouse.duckdb").exists()
