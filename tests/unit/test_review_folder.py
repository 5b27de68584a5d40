"""Persons and decisions over runs: what a partnership keeps must hold, whatever comes after."""

import io
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import polars as pl
import pytest

from profile_pipeline import tables
from profile_pipeline.errors import PlanError
from profile_pipeline.linkage import all_roles
from profile_pipeline.linkage.decisions import COUNTS, LOST
from profile_pipeline.linkage.explained import explained
from profile_pipeline.plan.settings import LinkageSettings
from reports.review import clerical_review

KEY = "ab" * 32
NOTHING = tables.empty(tables.DUPLICATE)
BLANK = {
    "dataset": "school", "file": "school/q1.csv", "role": "child", "quarter": "2015-16 Q4",
    "date": date(2016, 3, 31), "other_names": [], "local_ids": [], "postcode_sector": "DY1 1",
    "postcode_district": "DY1", "postcode": "DY1 1AA", "sex": "female",
}  # fmt: skip
# Two spellings of Mia Ashdown agree well; Zoe Birch and Zoë Birk of another year may be one or two.
ROWS = (
    {"forename": "Mia", "surname": "Ashdown", "date_of_birth": date(2001, 5, 17)},
    {"forename": "Mia", "surname": "Ashdowne", "date_of_birth": date(2001, 5, 17)},
    {"forename": "Zoe", "surname": "Birch", "date_of_birth": date(2000, 1, 9)},
    {"forename": "Zoe", "surname": "Calder", "date_of_birth": date(2002, 7, 30)},
    {"forename": "Liam", "surname": "Dunne", "date_of_birth": date(1999, 3, 3), "sex": "male"},
)


def subjects(*rows: dict[str, object]) -> pl.DataFrame:
    full = [{**BLANK, "row": i, "record_id": f"r{i}", **row} for i, row in enumerate(rows)]
    frame = pl.DataFrame(full, schema=tables.PERSON_RECORD.polars_schema, orient="row")
    return tables.conform(frame, tables.PERSON_RECORD)


class Folder:
    """A profile folder and its linkage."""

    def __init__(self, path: Path, **linkage: object) -> None:
        self.review = path / "review"
        self.review.mkdir(parents=True, exist_ok=True)
        (self.review / "identity.key").write_text(KEY)
        settings = SimpleNamespace(linkage=LinkageSettings(**linkage), as_at=date(2016, 3, 31))
        self.plan = SimpleNamespace(folder=path, settings=settings)

    def run(self, rows: pl.DataFrame) -> all_roles.Linked:
        return all_roles.link_all(rows, NOTHING, self.plan)

    def decide(self, found: all_roles.Linked, a: str, b: str, word: str, day: str) -> None:
        """Answer a pair on a workbook's sheet Review, as a person would."""
        empty = tables.empty(tables.LINKAGE_ACCURACY)
        frames = found.frames
        content = clerical_review(
            frames["review_queue"], frames["review_sample"], frames["identity"], empty
        )
        book = openpyxl.load_workbook(io.BytesIO(content))
        page = book["Review"]
        heads = [cell.value for cell in page[1]]
        values = {
            "decision": word, "who": "AB", "when": day, "why": "seen the files",
            "identity a": identity_of(found, a), "identity b": identity_of(found, b),
        }  # fmt: skip
        for head, value in values.items():
            page.cell(2, heads.index(head) + 1).value = value
        book.save(self.review / f"filled {day} {word.replace(chr(39), '')}.xlsx")


def identity_of(found: all_roles.Linked, record: str) -> str:
    return found.frames["identity"].filter(record_id=record)["identity"].item()


def persons(found: all_roles.Linked) -> dict[str, str]:
    return dict(found.frames["record_person"].select("record_id", "person_id").iter_rows())


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, all_roles.Linked]:
    path = tmp_path_factory.mktemp("profile")
    return path, Folder(path).run(subjects(*ROWS))


@pytest.fixture
def folder(first: tuple[Path, all_roles.Linked], tmp_path: Path) -> Folder:
    shutil.copytree(first[0], tmp_path / "p")
    return Folder(tmp_path / "p")


def test_a_second_run_uses_the_saved_model_and_gives_the_same_to_the_last_digit(
    first: tuple[Path, all_roles.Linked], folder: Folder
) -> None:
    again = folder.run(subjects(*ROWS).reverse())
    for name in ("record_person", "link", "evidence", "person_link", "threshold_person"):
        assert again.frames[name].equals(first[1].frames[name]), name
    assert sorted(p.name for p in folder.review.glob("model_child*")) == ["model_child_1.json"]


def test_a_saved_model_that_someone_altered_is_refused_in_one_line(folder: Folder) -> None:
    model = folder.review / "model_child_1.json"
    model.write_text(model.read_text().replace("0", "1", 1))
    with pytest.raises(PlanError, match=r"review/model_child_1.json: is not the model"):
        folder.run(subjects(*ROWS))


def test_a_new_quarter_and_a_corrected_file_keep_the_ids(
    first: tuple[Path, all_roles.Linked], folder: Folder
) -> None:
    before = persons(first[1])
    corrected = [*ROWS[:4], {**ROWS[4], "surname": "Dunn"}]
    later = {**ROWS[0], "file": "school/q2.csv", "row": 0, "record_id": "q2"}
    newcomer = {
        "forename": "Ava", "surname": "Eastwood", "date_of_birth": date(2003, 2, 2),
        "file": "school/q2.csv", "row": 1, "record_id": "q3",
    }  # fmt: skip
    after = persons(folder.run(subjects(*corrected, later, newcomer)))
    assert {record: after[record] for record in ("r0", "r1", "r2", "r3")} == {
        record: before[record] for record in ("r0", "r1", "r2", "r3")
    }
    assert after["q2"] == before["r0"]
    assert after["q3"] not in set(before.values())


def test_a_decision_joins_and_outlives_the_workbook_that_held_it(
    first: tuple[Path, all_roles.Linked], folder: Folder
) -> None:
    before = persons(first[1])
    assert before["r2"] != before["r3"]
    folder.decide(first[1], "r2", "r3", "same", "2016-04-30")
    joined = folder.run(subjects(*ROWS))
    assert persons(joined)["r2"] == persons(joined)["r3"] == min(before["r2"], before["r3"])
    for workbook in folder.review.glob("*.xlsx"):
        workbook.unlink()
    again = folder.run(subjects(*ROWS))
    assert persons(again) == persons(joined)
    assert pl.read_csv(folder.review / "decisions.csv").height == 1
    changes = pl.read_csv(folder.review / "person_changes.csv")
    assert changes.select("change", "old_person_id", "new_person_id").rows() == [
        ("merge", max(before["r2"], before["r3"]), min(before["r2"], before["r3"]))
    ]


def test_a_later_decision_parts_again_and_the_split_is_logged(
    first: tuple[Path, all_roles.Linked], folder: Folder
) -> None:
    before = persons(first[1])
    assert before["r0"] == before["r1"]
    folder.decide(first[1], "r0", "r1", "different", "2016-04-30")
    parted = persons(folder.run(subjects(*ROWS)))
    assert parted["r0"] != parted["r1"]
    changes = pl.read_csv(folder.review / "person_changes.csv")
    assert changes.select("change", "old_person_id").rows() == [("split", before["r0"])]
    folder.decide(first[1], "r0", "r1", "same", "2016-05-02")
    joined = persons(folder.run(subjects(*ROWS)))
    assert joined["r0"] == joined["r1"] == before["r0"]


def test_decisions_that_contradict_one_another_are_listed_and_change_nobody(
    first: tuple[Path, all_roles.Linked], folder: Folder
) -> None:
    folder.decide(first[1], "r2", "r3", "same", "2016-04-30")
    folder.decide(first[1], "r3", "r4", "same", "2016-05-01")
    folder.decide(first[1], "r2", "r4", "different", "2016-05-02")
    found = folder.run(subjects(*ROWS))
    assert persons(found) == persons(first[1])
    assert found.frames["contradiction"].height == 3
    assert found.counts["decisions_contradictory"] == 3


def test_a_decision_holds_after_a_correction_and_a_lost_one_is_counted(
    first: tuple[Path, all_roles.Linked], folder: Folder
) -> None:
    folder.decide(first[1], "r2", "r3", "same", "2016-04-30")
    corrected = [*ROWS[:2], {**ROWS[2], "postcode": "DY1 1AB"}, *ROWS[3:]]
    found = folder.run(subjects(*corrected))
    assert persons(found)["r2"] == persons(found)["r3"]
    assert found.frames["decision"]["state"].to_list() == [COUNTS]
    gone = folder.run(subjects(*ROWS[:2], *ROWS[4:]))
    assert gone.frames["decision"]["state"].to_list() == [LOST]
    assert gone.counts["decisions_without_records"] == 1


def test_all_that_is_kept_belongs_to_its_owner_alone(folder: Folder) -> None:
    for path in folder.review.iterdir():
        if path.name != "identity.key":  # written by this test
            assert path.stat().st_mode & 0o077 == 0, path.name


def test_what_the_log_and_the_interface_are_told_names_nobody(
    first: tuple[Path, all_roles.Linked],
) -> None:
    from profile_pipeline.linkage.saved_models import weights_table

    told = weights_table(first[1].weights) + str(first[1].counts)
    assert "same forename" in told
    for name in ("Mia", "mia", "Ashdown", "ashdown", "Birch", "DY1"):
        assert name not in told


def test_pairs_of_children_with_most_indicators_come_first_and_change_no_sample(tmp_path) -> None:
    twins = [
        {"forename": name, "surname": surname, "date_of_birth": born, "postcode": home}
        for surname, born, home in (
            ("Ashdown", date(2001, 5, 17), "DY1 1AA"),
            ("Calder", date(1998, 11, 30), "DY2 9QX"),
            ("Dunne", date(2003, 8, 4), "DY4 3LW"),
        )
        for name in ("Mia", "Zoe")
    ]  # fmt: skip
    rows = subjects(*twins)
    events = rows.filter(pl.col("row").is_in([2, 3])).select(tables.SUBJECT_KEY)
    # Either twin of the second pair shows one indicator, both together two.
    told = events.with_columns(pl.Series("indicator", ["missing_from_home_or_care", "other"]))
    plain = Folder(tmp_path / "plain", review_limit=1)
    first = Folder(tmp_path / "first", review_limit=1)
    first.plan.settings.overlap_at_least = 2
    without = plain.run(rows)
    found = all_roles.link_all(rows, NOTHING, first.plan, told)
    asked = found.frames["review_queue"].row(0, named=True)
    assert asked["in_cohort"]
    assert {asked["identity_a"], asked["identity_b"]} == {
        identity_of(found, "r2"), identity_of(found, "r3")
    }  # fmt: skip
    for name in ("review_sample", "record_person", "link"):
        assert found.frames[name].equals(without.frames[name])


def test_a_small_ethnic_group_gets_pairs_of_its_own_that_the_sample_does_not_hold(tmp_path) -> None:
    """Else a figure for the group would take many hundreds of pairs."""
    folder = Folder(tmp_path, review_sample=10)
    white = ("WBRI", "White", ("Mia", "Zoe", "Ella", "Ruby", "Esme"), ("Ashdown", "Ashdowne"))
    asian = ("APKN", "Asian", ("Aisha", "Noor", "Zara", "Hana", "Iqra"), ("Khalid", "Kalid"))
    named = [
        {"forename": fore, "surname": sur, "date_of_birth": date(2000, month, day),
         "ethnic_group": group, "ethnicity_code": code}
        for month in range(1, 13)
        for code, group, forenames, surnames in (asian if month > 10 else white,)
        for day, fore in enumerate(forenames, start=1)
        for sur in surnames
    ]  # fmt: skip
    found = folder.run(subjects(*named)).frames
    groups, sample = found["review_groups"], found["review_sample"]
    assert groups.filter(drawn_for="Asian").height >= 15
    assert groups.join(sample, on=["identity_a", "identity_b"], how="semi").is_empty()
    pairs = groups.select("identity_a", "identity_b")
    assert pairs.is_unique().all()


def test_a_fresh_folder_with_the_rows_in_another_order_gives_the_same_persons_and_ids(
    tmp_path: Path,
) -> None:
    """Suspects known by a nickname alone among them: no place in a file makes an id."""
    report = {"role": "suspect", "postcode": None, "postcode_sector": None, "sex": None}
    bare = [
        {**report, "other_names": [name], "date": date(2016, 2, day)}
        for name, day in (("Razzor", 1), ("Razzor", 2), ("Biscuit", 1), ("Biscuit", 1))
    ]
    rows = [*ROWS, {**ROWS[0], "role": "suspect"}, *bare]
    marked = [{**row, "record_id": f"x{n}"} for n, row in enumerate(rows)]
    found = []
    for name, given in (("one", marked), ("other", marked[::-1])):
        some = Folder(tmp_path / name)
        (some.review / "identity.key").unlink()
        found.append(persons(some.run(subjects(*given))))
    alike = ("x8", "x9")  # the very same report twice: either is either
    one, other = ({r: p for r, p in ids.items() if r not in alike} for ids in found)
    assert one == other
    assert {found[0][r] for r in alike} == {found[1][r] for r in alike}
    assert len(set(found[0].values())) == len(set(found[1].values()))


def changes(folder: Folder) -> list[tuple[object, ...]]:
    path = folder.review / "person_changes.csv"
    if not path.is_file():
        return []
    log = pl.read_csv(path, infer_schema=False)
    return log.select("change", "old_person_id", "new_person_id", "as_at").rows()


@pytest.mark.parametrize(
    "mended",
    [
        {"forename": "Leam"},
        {"date_of_birth": date(1999, 3, 30)},
        {"postcode": "DY3 4AX", "postcode_sector": "DY3 4"},
    ],
    ids=["name", "birth", "postcode"],
)
def test_a_child_whose_only_record_is_corrected_keeps_the_id_and_it_is_logged(
    first: tuple[Path, all_roles.Linked], folder: Folder, mended: dict[str, object]
) -> None:
    before = persons(first[1])
    after = persons(folder.run(subjects(*ROWS[:4], {**ROWS[4], **mended})))
    assert after == before
    assert changes(folder) == [("corrected", before["r4"], before["r4"], "2016-03-31")]
    again = persons(folder.run(subjects(*ROWS[:4], {**ROWS[4], **mended})))
    assert again == before
    assert len(changes(folder)) == 1


def test_a_local_id_finds_a_corrected_record_in_another_row(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    known = {**ROWS[4], "local_ids": ["school:S7"]}
    before = persons(folder.run(subjects(*ROWS[:4], known)))
    moved = {**known, "surname": "Dunn", "record_id": "r4", "row": 0}
    others = [{**row, "record_id": f"r{n}", "row": n + 1} for n, row in enumerate(ROWS[:4])]
    assert persons(folder.run(subjects(moved, *others))) == before


def test_another_child_in_the_row_of_one_who_left_has_a_new_id(
    first: tuple[Path, all_roles.Linked], folder: Folder
) -> None:
    before = persons(first[1])
    other = {"forename": "Ava", "surname": "Eastwood", "date_of_birth": date(2003, 2, 2)}
    after = persons(folder.run(subjects(*ROWS[:4], other)))
    assert after["r4"] not in set(before.values())
    gone = before["r4"]
    assert changes(folder) == [("gone", gone, None, "2016-03-31")]
    found = folder.run(subjects(*ROWS[:4], other))
    assert len(changes(folder)) == 1  # told once
    with pytest.raises(PlanError, match="records was in the files any more as at 2016-03-31"):
        explained(lambda _: found.frames["record_person"], lambda rows: rows, folder.plan, gone)
    again = persons(folder.run(subjects(*ROWS)))
    assert again == before
    assert ("back", before["r4"], before["r4"], "2016-03-31") in changes(folder)


def test_of_two_records_that_a_corrected_one_may_be_neither_gives_its_id(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    # One local id given to twins by mistake, both then replaced by a third spelling.
    twins = [{**ROWS[4], "forename": name, "local_ids": ["school:S7"]} for name in ("Liam", "Noah")]
    before = persons(folder.run(subjects(*ROWS[:4], *twins)))
    third = {**twins[0], "forename": "Kai", "record_id": "x", "row": 40}
    after = persons(folder.run(subjects(*ROWS[:4], third)))
    assert before["r4"] != before["r5"]
    assert after["x"] not in set(before.values())


def test_where_identities_stood_is_kept_without_a_name_or_date(folder: Folder) -> None:
    kept = (folder.review / "identity_places.csv").read_text().lower()
    for word in ("mia", "ashdown", "2001", "20010517", "dy1", "female"):
        assert word not in kept
