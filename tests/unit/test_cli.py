"""The command line told something wrong: one clear line, the right exit code, never a traceback."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from profile_pipeline import cli, errors
from tests.unit.small_plan import PLAN, PROFILE, filled_folder, send, small_plan, write_folder

HEAD = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category\n"


def call(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env={"PROFILE_DIR": None, "TERM": "dumb", **(env or {})}).invoke(
        cli.app, words
    )


def lines(result: Result) -> list[str]:
    """Return the lines on stderr; a traceback fails the test."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return [line for line in result.stderr.splitlines() if line.strip()]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


VERBS = sorted(command.callback.__name__ for command in cli.app.registered_commands)  # type: ignore[union-attr]
ON_A_PROFILE = [
    verb for verb in VERBS if verb in ("check", "run", "ui", "status", "purge", "request")
]


@pytest.mark.parametrize("verb", ON_A_PROFILE)
@pytest.mark.parametrize("folder", ["nowhere", "empty", "a_file"])
def test_a_folder_that_is_no_profile(tmp_path: Path, verb: str, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a_file").write_text("x")
    result = call(verb, "--profile", str(tmp_path / folder))
    assert result.exit_code == errors.EXIT_BAD_PLAN
    told = lines(result)
    assert len(told) == (2 if folder == "empty" else 1), told
    assert not (tmp_path / "nowhere").exists(), "nothing is made where nothing was"


@pytest.mark.parametrize("verb", ON_A_PROFILE)
def test_without_a_folder_the_working_folder_is_meant(verb: str) -> None:
    result = call(verb)
    assert result.exit_code == errors.EXIT_BAD_PLAN
    assert any("profile.yaml" in line for line in lines(result))


def test_the_folder_may_come_from_the_environment(tmp_path: Path) -> None:
    write_folder(tmp_path, plan=PLAN.replace("sex: Sex", "sexx: Sex"))
    result = call("check", env={"PROFILE_DIR": str(tmp_path)})
    assert result.exit_code == errors.EXIT_BAD_PLAN
    assert any("Did you mean 'sex'?" in line for line in lines(result))


@pytest.mark.parametrize("verb", ON_A_PROFILE)
def test_a_bad_plan_is_told_line_by_line(tmp_path: Path, verb: str) -> None:
    write_folder(
        tmp_path,
        profile=PROFILE.replace("as_at: 2016-03-31", "as_at: soon"),
        plan=PLAN.replace("    agency: police\n", "    agency: nobody\n").replace("why", "wy", 1),
    )
    result = call(verb, "--profile", str(tmp_path))
    assert result.exit_code == errors.EXIT_BAD_PLAN
    told = lines(result)
    assert len(told) >= 3
    assert all(re.match(r"✗ (profile|collection_plan)\.yaml:\d+: ", line) for line in told), told


@pytest.mark.parametrize("verb", ["check", "run", "ui"])
def test_a_word_that_is_no_option(verb: str) -> None:
    result = call(verb, "--profil", "x")
    assert result.exit_code == 2
    assert "No such option" in result.output


def test_an_unknown_verb() -> None:
    result = call("rum")
    assert result.exit_code == 2
    assert "No such command 'rum'" in result.output


def test_no_verb_shows_the_help() -> None:
    output = call().output
    assert all(verb in output for verb in VERBS)


@pytest.mark.parametrize("day", ["31/03/2016", "2016-02-30", "yesterday", "2016"])
def test_an_as_at_that_is_no_date(tmp_path: Path, day: str) -> None:
    small_plan(tmp_path)
    result = call("run", "--profile", str(tmp_path), "--as-at", day)
    assert result.exit_code == errors.EXIT_BAD_PLAN
    assert lines(result) == [f"✗ --as-at: '{day}' is not a date. Write it as 2016-03-31."]


def test_an_as_at_before_the_period(tmp_path: Path) -> None:
    small_plan(tmp_path)
    result = call("run", "--profile", str(tmp_path), "--as-at", "2014-12-31")
    assert result.exit_code == errors.EXIT_BAD_PLAN
    (only,) = lines(result)
    assert "before the period starts (2015-04-01)" in only


@pytest.mark.parametrize("verb", ["new", "sample"])
def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, verb: str) -> None:
    (tmp_path / "mine.txt").write_text("x")
    result = call(verb, str(tmp_path))
    assert result.exit_code == errors.EXIT_BAD_PLAN
    assert "is not empty" in lines(result)[0]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("verb", ["new", "sample"])
def test_a_folder_that_cannot_be_made(tmp_path: Path, verb: str) -> None:
    (tmp_path / "file").write_text("x")
    result = call(verb, str(tmp_path / "file" / "folder"))
    assert result.exit_code == errors.EXIT_BAD_PLAN
    assert len(lines(result)) == 1


@pytest.mark.parametrize("words", [["--children", "10"], ["--children", "many"], ["--seed", "x"]])
def test_a_sample_of_a_size_that_makes_no_sense(tmp_path: Path, words: list[str]) -> None:
    result = call("sample", str(tmp_path / "s"), *words)
    assert result.exit_code == 2
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    small_plan(tmp_path)
    assert call("ui", "--profile", str(tmp_path), "--port", port).exit_code == 2


def test_a_new_folder_checks_at_once_and_lists_what_is_to_be_written(tmp_path: Path) -> None:
    """A placeholder is no plan: it would be printed in the profile and in letters."""
    folder = tmp_path / "[bold]odd[/x] name"
    made = call("new", str(folder))
    assert made.exit_code == 0, made.output
    assert f"profile-pipeline check --profile {folder}" in made.stdout.replace("'", "")
    assert "fill in" in made.stdout
    for verb in ("check", "request", "run"):
        result = call(verb, "--profile", str(folder))
        assert result.exit_code == errors.EXIT_BAD_PLAN, result.output
        told = lines(result)
        written = [
            (name, number)
            for name in ("profile.yaml", "collection_plan.yaml")
            for number, text in enumerate((folder / name).read_text().splitlines(), start=1)
            for _ in re.findall("<", text.partition("#")[0])
        ]
        assert len(written) > 10
        places = [re.match(r"✗ (\S+):(\d+): .*'<.+>' is still to be filled in", t) for t in told]
        assert [(m[1], int(m[2])) for m in places if m] == written
        assert "✗ profile.yaml:5: title: '<your area>' is still to be filled in." in told[0]
        assert told[0].endswith("Write there: your area.")


def test_a_filled_plan_is_taken_as_it_is_written(tmp_path: Path) -> None:
    """Headings and codes of a file, and addresses, may stand in angle brackets."""
    folder = filled_folder(tmp_path / "ours")
    path = folder / "collection_plan.yaml"
    text = path.read_text().replace(
        "sex: Gender", 'sex: {column: "<Gender>", values: {"<f>": female}}'
    )
    text = text.replace("lead: ours", "lead: Post holder <post@example.org>")
    path.write_text(text)
    assert "<Gender>" in text
    assert "post@example" in text
    checked = call("check", "--profile", str(folder))
    assert checked.exit_code == 0, checked.output
    assert "The plan holds: 1 dataset, 8 quarters." in checked.stdout
    assert "never delivered" in checked.stdout


def test_an_empty_folder_is_used_and_that_is_said(tmp_path: Path) -> None:
    made = call("new", str(tmp_path))
    assert made.exit_code == 0
    assert "was there and empty" in made.stdout
    assert "was there" not in call("new", str(tmp_path / "other")).stdout


BAD_FILES = {
    "of zero bytes": b"",
    "binary": bytes(range(256)) * 20,
    "a header twice": (HEAD + HEAD.replace("Sex", "Sex")).replace("Sex", "DOB").encode(),
    "without its date column": HEAD.replace("Date", "When").encode() + b"r,,,,,,,,,\n",
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_check_tells_a_bad_file_in_one_line(tmp_path: Path, content: bytes) -> None:
    small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", HEAD + "r,15/05/2015,x,,,,,,,\n")
    send(tmp_path, "missing/2015-16_Q2.csv", "").write_bytes(content)
    result = call("check", "--profile", str(tmp_path))
    assert result.exit_code == errors.EXIT_BAD_DATA
    told = lines(result)
    assert len(told) == 2, told
    assert told[0].startswith("✗ missing/2015-16_Q2.csv: ")
    assert told[1].startswith("1 problem.")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken zip", b"plain text"])
def test_check_tells_a_broken_workbook_in_one_line(tmp_path: Path, content: bytes) -> None:
    small_plan(tmp_path, plan=PLAN.replace("missing/{quarter}.csv", "missing/{quarter}.xlsx"))
    send(tmp_path, "missing/2015-16_Q2.xlsx", "").write_bytes(content)
    result = call("check", "--profile", str(tmp_path))
    assert result.exit_code == errors.EXIT_BAD_DATA
    assert len(lines(result)) == 2


def test_check_reads_the_review_folder_too(tmp_path: Path) -> None:
    small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", HEAD + "r,15/05/2015,x,,,,,,,\n")
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "decisions.csv").write_text("identity_a,identity_b,decision\na,b,so\n")
    (tmp_path / "review" / "clerical_review.xlsx").write_bytes(b"torn")
    result = call("check", "--profile", str(tmp_path))
    assert result.exit_code == errors.EXIT_BAD_PLAN
    told = "\n".join(lines(result))
    assert "review/decisions.csv:2" in told
    assert "review/clerical_review.xlsx" in told


def test_check_says_which_file_counts_and_what_nobody_takes(tmp_path: Path) -> None:
    small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", HEAD + "r,15/05/2015,x,,,,,,,\n")
    send(tmp_path, "missing/2015-16_Q1_v2.csv", HEAD + "r,15/05/2015,x,,,,,,,\n" * 1 + "\n")
    send(tmp_path, "housing/2015-16_Q1.csv", HEAD)
    result = call("check", "--profile", str(tmp_path))
    assert result.exit_code == 0, result.output
    told = [line for line in result.stdout.splitlines() if line.startswith("!")]
    assert "! housing/ (1 file): no dataset of the plan takes files from this folder" in told[0]
    assert any(
        "missing/2015-16_Q1.csv: not used. missing/2015-16_Q1_v2.csv counts instead:" in line
        for line in told
    )
    assert any(
        "missing/2015-16_Q1_v2.csv: replaces a delivery of 1 row (missing/2015-16_Q1.csv);"
        " this one has 1." in line
        for line in told
    )
    assert f"{len(told)} notes above." in result.stdout


def test_check_writes_nothing(tmp_path: Path) -> None:
    small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", HEAD + "r,15/05/2015,x,,,,,,,\n")
    before = sorted(tmp_path.rglob("*"))
    assert call("check", "--profile", str(tmp_path)).exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_check_tells_a_data_folder_that_is_not_there(tmp_path: Path) -> None:
    small_plan(tmp_path)
    shutil.rmtree(tmp_path / "data")
    result = call("check", "--profile", str(tmp_path))
    assert result.exit_code == errors.EXIT_BAD_DATA
    assert "the data folder is not there" in lines(result)[0]


def test_the_ui_starts_without_a_warning_nobody_can_act_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_plan(tmp_path)
    started: list[dict[str, str]] = []

    def start(command: list[str], env: dict[str, str]) -> int:
        assert command[3:4] == ["dev"]
        started.append(env)
        return 0

    monkeypatch.setattr(cli.subprocess, "call", start)
    assert call("ui", "--profile", str(tmp_path)).exit_code == 0
    words = "Function `dev_command` is superseded and its usage is discouraged."
    told = {}
    for text in (words, "Another."):
        code = f"import warnings; warnings.warn({text!r}, stacklevel=1)"
        done = subprocess.run(
            [sys.executable, "-c", code], env=started[0], capture_output=True, check=True, text=True
        )
        told[text] = done.stderr
    assert told[words] == ""
    assert "Another." in told["Another."]


def test_a_fault_of_the_program_tells_nothing_of_the_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception's words may hold a cell: its kind and place are told, never its words."""

    def fail() -> None:
        raise ValueError("could not convert 'MARKER, Person' to a date")

    monkeypatch.setattr(cli, "app", fail)
    before = os.umask(0o077)
    try:
        with pytest.raises(SystemExit) as left:
            cli.main()
    finally:
        os.umask(before)
    told = capsys.readouterr()
    assert left.value.code == 1
    assert "MARKER" not in told.out + told.err
    assert "ValueError" in told.err
    assert len(told.err.splitlines()) == 1
