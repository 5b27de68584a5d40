"""A run of files of which nothing can be used is no profile, and says why for each file."""

from pathlib import Path

from typer.testing import CliRunner

from profile_pipeline.cli import app
from profile_pipeline.errors import EXIT_NO_PROFILE
from tests.unit.small_plan import send, small_plan


def test_files_without_a_row_make_no_profile_and_each_is_told(tmp_path: Path) -> None:
    small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", "")
    send(tmp_path, "tracker/2015-16_Q4.csv", "\x00\x01")
    done = CliRunner().invoke(app, ["run", "--profile", str(tmp_path)])
    assert done.exit_code == EXIT_NO_PROFILE, done.output
    told = [line for line in done.stderr.splitlines() if line.startswith("✗")]
    assert "not one row of any file could be used" in told[0]
    assert any("missing/2015-16_Q1.csv: the file is empty (0 bytes)" in line for line in told)
    assert any("tracker/2015-16_Q4.csv: " in line for line in told)
    assert any("school: never delivered" in line for line in told)
