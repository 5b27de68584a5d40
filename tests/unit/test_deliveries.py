"""What arrived, what is missing, what was sent again, and what may not be opened."""

import datetime as dt
import hashlib
import os
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from profile_pipeline.intake.deliveries import find_deliveries, stray_files
from profile_pipeline.plan.reading import Delivery

PERIOD = ["2015-16 Q3", "2015-16 Q4"]
QUARTERLY = Delivery.model_validate({"files": "police/{quarter}.csv", "due": "14 days"})


def put(root: Path, file: str, text: str = "A\n1\n", day: str = "2016-04-10") -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    when = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp()
    os.utime(path, (when, when))


def find(root: Path, delivery: Delivery = QUARTERLY, **options: object) -> dict[str | None, str]:
    frame = find_deliveries(root, "police", delivery, PERIOD, **options)  # type: ignore[arg-type]
    return {f or q: s for f, q, s in frame.select("file", "quarter", "status").iter_rows()}


def test_each_quarter_has_its_file_or_is_missing(tmp_path: Path) -> None:
    put(tmp_path, "police/2015-16 q4.CSV")
    frame = find_deliveries(tmp_path, "police", QUARTERLY, PERIOD)
    assert frame["status"].to_list() == ["missing", "arrived"]
    assert frame["due_on"].to_list() == [dt.date(2016, 1, 14), dt.date(2016, 4, 14)]
    assert frame.row(1, named=True) == {
        "dataset": "police",
        "quarter": "2015-16 Q4",
        "file": "police/2015-16 q4.CSV",
        "sha256": hashlib.sha256(b"A\n1\n").hexdigest(),
        "size_bytes": 4,
        "version": 1,
        "due_on": dt.date(2016, 4, 14),
        "arrived_on": dt.date(2016, 4, 10),
        "status": "arrived",
        "superseded_by": None,
        "problem": None,
    }


def test_a_quarter_not_yet_due_is_awaited(tmp_path: Path) -> None:
    assert find(tmp_path, today=dt.date(2016, 4, 14)) == {
        "2015-16 Q3": "missing",
        "2015-16 Q4": "awaited",
    }


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2015-16_Q4.csv", "2015-16_Q4_v2.csv"),
        ("2015-16_Q4_v2.csv", "2015-16_Q4 v10.csv"),
        ("2015-16_Q4.csv", "2015-16_Q4 corrected.csv"),
        ("2015-16_Q4 corrected.csv", "2015-16_Q4 corrected v3.csv"),
        ("2015-16_Q4.csv", "2015-16 Q4 (1).csv"),
    ],
)
def test_a_corrected_delivery_takes_the_place_of_the_first(
    tmp_path: Path, older: str, newer: str
) -> None:
    put(tmp_path, f"police/{older}", day="2016-05-01")  # copied later: the version decides
    put(tmp_path, f"police/{newer}", day="2016-04-20")
    frame = find_deliveries(tmp_path, "police", QUARTERLY, PERIOD).filter(quarter="2015-16 Q4")
    assert frame.select("file", "status", "superseded_by").rows() == [
        (f"police/{older}", "superseded", f"police/{newer}"),
        (f"police/{newer}", "arrived", None),
    ]


def test_of_equal_versions_the_newest_counts(tmp_path: Path) -> None:
    put(tmp_path, "police/2015-16_Q4.csv", day="2016-05-01")
    put(tmp_path, "police/2015-16 Q4.csv", day="2016-04-01")
    assert find(tmp_path)["police/2015-16_Q4.csv"] == "arrived"


@pytest.mark.parametrize(
    ("older", "newer", "register", "why"),
    [
        (("2015-16_Q4.xlsx", "x"), ("2015-16_Q4.csv", "y"), {}, ".csv is the kind of file that"),
        (("2015-16_Q4.csv", "x"), ("2015-16_Q4_v2.csv", "y"), {}, "its name says"),
        (("2015-16_Q4.csv", "x"), ("2015-16_Q4_v2.csv", "x"), {}, "the same, byte for byte"),
        (("2015-16_Q4.csv", "x"), ("2015-16 Q4.csv", "y"), {}, "which copying may change; add _v2"),
        (
            ("2015-16 Q4.csv", "x"),
            ("2015-16_Q4.csv", "y"),
            {"2015-16 Q4.csv": dt.date(2016, 4, 1), "2015-16_Q4.csv": dt.date(2016, 4, 9)},
            "received later, by deliveries.csv",
        ),
    ],
)
def test_of_two_files_of_a_quarter_it_is_told_which_counts_and_why(
    tmp_path: Path,
    older: tuple[str, str],
    newer: tuple[str, str],
    register: dict[str, dt.date],
    why: str,
) -> None:
    put(tmp_path, f"police/{older[0]}", older[1], day="2016-05-02" if register else "2016-04-02")
    put(tmp_path, f"police/{newer[0]}", newer[1], day="2016-05-01")
    received = {f"police/{name}": day for name, day in register.items()}
    frame = find_deliveries(tmp_path, "police", QUARTERLY, PERIOD, received=received)
    told = frame.filter(quarter="2015-16 Q4").select("file", "status", "problem").rows()
    assert [row[:2] for row in told] == [
        (f"police/{older[0]}", "superseded"),
        (f"police/{newer[0]}", "arrived"),
    ]
    assert told[0][2].startswith(f"police/{newer[0]} counts instead: ")
    assert why in told[0][2]


def test_what_no_dataset_takes_is_told_by_folder(tmp_path: Path) -> None:
    for file in (
        "police/2015-16_Q4.csv",
        "police/stray.csv",
        "school.csv",
        "schol.csv",
        "Polce/2015-16_Q4.csv",
        "housing/2015/a.csv",
        "housing/b.csv",
        "education/exclusions/2015-16_Q4.csv",
        "education/absence/2015-16_Q4.csv",
        ".hidden/a.csv",
    ):
        put(tmp_path, file)
    (tmp_path / "empty").mkdir()
    deliveries = [
        QUARTERLY,
        Delivery.model_validate({"every": "once", "files": "school.csv"}),
        Delivery.model_validate({"files": "education/exclusions/{quarter}.csv"}),
    ]
    told = stray_files(tmp_path, deliveries)
    assert {line.split(":")[0] for line in told} == {
        "Polce/ (1 file)",
        "education/absence/ (1 file)",
        "housing/ (2 files)",
        "schol.csv",
    }
    assert next(line for line in told if "Polce" in line).endswith("Did you mean 'police'?")


def test_nothing_received_is_passed_over(tmp_path: Path) -> None:
    for file in (
        "notes.docx",
        "2015-16_Q4_notes.csv",
        "2015-17_Q4.csv",
        "2013-14_Q1.csv",
    ):
        put(tmp_path, f"police/{file}")
    put(tmp_path, "police/sent again/2015-16_Q4.csv")
    put(tmp_path, "police/Thumbs.db")
    put(tmp_path, "crimes/2015-16_Q4.csv")
    put(tmp_path, "police/crimes_2015-16_Q4.csv")
    other = Delivery(files="police/crimes_{quarter}.csv")
    found = find(tmp_path, others=[other])
    assert {file for file, status in found.items() if status == "unexpected"} == {
        "police/notes.docx",
        "police/2015-16_Q4_notes.csv",
        "police/2015-17_Q4.csv",
        "police/2013-14_Q1.csv",
        "police/sent again/2015-16_Q4.csv",
    }
    assert found["2015-16 Q4"] == "missing"
    assert len(found) == 7


def test_links_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    root, outside = tmp_path / "data", tmp_path / "outside"
    put(outside, "2015-16_Q4.csv")
    put(root, "police/store/real.csv")
    (root / "police" / "2015-16_Q4.csv").symlink_to(outside / "2015-16_Q4.csv")
    (root / "police" / "2015-16_Q3.csv").symlink_to(root / "police" / "store" / "real.csv")
    (root / "police" / "more").symlink_to(outside)
    (root / "police" / "gone.csv").symlink_to(outside / "none.csv")
    frame = find_deliveries(root, "police", QUARTERLY, PERIOD)
    told = dict(frame.filter(pl.col("file").is_not_null()).select("file", "status").iter_rows())
    assert told == {
        "police/2015-16_Q3.csv": "arrived",
        "police/2015-16_Q4.csv": "refused",
        "police/more": "refused",
        "police/gone.csv": "refused",
        "police/store/real.csv": "unexpected",
    }
    assert frame.filter(status="refused")["sha256"].null_count() == 3
    assert "missing" in frame.filter(quarter="2015-16 Q4")["status"].to_list()


def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    put(tmp_path, "outside/2015-16_Q4.csv")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "police").symlink_to(tmp_path / "outside")
    assert find(tmp_path / "data")["police"] == "refused"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "police").mkdir()
    os.mkfifo(tmp_path / "police" / "2015-16_Q4.csv")
    assert find(tmp_path)["police/2015-16_Q4.csv"] == "refused"


def test_a_file_that_comes_once_belongs_to_the_last_quarter(tmp_path: Path) -> None:
    put(tmp_path, "homes/list.xlsx")
    frame = find_deliveries(
        tmp_path, "homes", Delivery(every="once", files="homes/list.xlsx"), PERIOD
    )
    assert frame.select("quarter", "status").rows() == [("2015-16 Q4", "arrived")]


def test_wildcards_and_quarters_agreed(tmp_path: Path) -> None:
    put(tmp_path, "police/Extract 2015-16_Q4 run 7731.csv")
    delivery = Delivery(files="police/Extract {quarter}*.csv", first="2015-16_Q4")
    assert find(tmp_path, delivery) == {"police/Extract 2015-16_Q4 run 7731.csv": "arrived"}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"files": "../{quarter}.csv"}, "below the data folder"),
        ({"files": "/etc/{quarter}.csv"}, "below the data folder"),
        ({"files": "a/../../{quarter}.csv"}, "below the data folder"),
        ({"files": "C:\\x\\{quarter}.csv"}, "below the data folder"),
        ({"files": "a/{month}.csv"}, "only placeholder"),
        ({"files": "a/list.csv"}, "need {quarter}"),
        ({"files": "a/{quarter}"}, "file ending"),
        ({"files": "a/{quarter}.csv", "due": "soon"}, "due"),
        ({"files": "a/{quarter}.csv", "first": "2015"}, "fiscal quarter"),
        (
            {"files": "a/{quarter}.csv", "first": "2015-16 Q2", "last": "2015-16 Q1"},
            "before",
        ),
    ],
)
def test_a_delivery_that_makes_no_sense(entry: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("{", r"\{")):
        Delivery.model_validate(entry)
