"""Information reports through a whole run: what is kept apart, counted and left out; who told."""

import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.unit.small_borough import write_borough
from tests.unit.small_plan import PLAN, send, write_folder

REPORTER, CONTACT = "Quillfeather", "07700900461"
LOG = """\
  - id: reports
    agency: police
    title: Information reports
    what: Reports.
    why: They hold what no case file holds.
    how: Quarterly
    lawful_basis: Crime and Disorder Act 1998 s.115
    keep_for: 6 years
    delivery: {every: quarter, due: 14 days, files: "reports/{quarter}.csv"}
    dated_by: {column: Day, format: "%d/%m/%Y"}
    reference: Ref
    subjects:
      - {role: child, required: false, forename: Child, surname: Family}
      - {role: suspect, required: false, forename: Person, surname: Other}
    events:
      - indicator: named_in_information_report
      - measure: information_report
        fields:
          reliability: Reliability
          accuracy: Accuracy
          handling_code: Code
          sanitised: Sanitised
          consent: Consent
          consent_reason: Why
          assessed_as: Kind
          information: Seen
          opinion: Thought
          premises_name: Premises
          premises_address: Address
context:
  - {id: pubs, kind: licensed_premises, agency: Council, why: w, file: pubs.csv}
"""
HEAD = (
    "Ref,Day,Reporter,Contact,Child,Family,Person,Other,Reliability,Accuracy,Code,Sanitised,"
    "Consent,Why,Kind,Seen,Thought,Premises,Address\n"
)
MAY = "P,Y,sought,"
HANDLED = [
    *[MAY] * 6,
    "C,Y,sought,",
    ",Y,sought,",
    "P,N,sought,",
    "P,Y,,",
    "P,Y,dispensed with,",
    "P,Y,dispensed with,risk of significant harm",
    "Amber,perhaps,as usual,",
]


def log() -> str:
    """Thirteen reports; two are graded, the first on both scales' best ends."""
    rows = []
    for number, handled in enumerate(HANDLED):
        grades = ("5,1", "1,don't know")[number] if number < 2 else "don't know,"
        letter = chr(65 + number)
        rows.append(
            f"I{number},{number + 1:02d}/02/2016,{REPORTER},{CONTACT},,,Bo{letter},Ray{letter},"
            f"{grades},{handled},{('information', 'intelligence')[number == 0]},"
            f"was seen,may be groomed,The Quiet Arm,12 High St\n"
        )
    return HEAD + "".join(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_borough(tmp_path_factory.mktemp("reports") / "p")
    write_folder(made, plan=PLAN + LOG)
    send(made, "reports/2015-16_Q4.csv", log())
    (made / "reference" / "pubs.csv").write_text(
        "place_id,name,address,easting_m,northing_m\n"
        "L1,The Quiet Arms,12 High Street,390000,280000\n"
        "L2,The Quiet Garden,40 High Street,390100,280000\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "profile_pipeline", "run", "--profile", str(made)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (made / "printed.txt").write_text(done.stdout + done.stderr)
    return made


def sql(folder: Path, query: str) -> pl.DataFrame:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
        return con.sql(query).pl()


def test_the_scales_run_opposite_ways_and_dont_know_is_kept(folder: Path) -> None:
    rows = sql(
        folder,
        "select reliability, accuracy, information, opinion, assessed_as"
        " from records.information_report order by row",
    ).rows()
    assert rows[0] == ("5", "1", "was seen", "may be groomed", "intelligence")
    assert rows[1] == ("1", "dont_know", "was seen", "may be groomed", "information")
    assert rows[2][:2] == ("dont_know", None)


def test_premises_are_matched_by_name_and_address(folder: Path) -> None:
    rows = sql(folder, "select distinct premises_id, matched_by from geo.premises_report").rows()
    assert rows == [("L1", "name and address")]


def test_what_may_not_leave_the_desk_is_not_counted_in_the_edition(folder: Path) -> None:
    """Six may, and one whose consent was dispensed with for a reason; six may not."""
    told = dict(
        sql(
            folder,
            "select category, reports from edition.information_reports where aspect = 'editions'",
        ).rows()
    )
    assert told.pop("all") == 13
    assert told.pop("counted") == 7
    assert sorted(told.values()) == [1] * 6
    one = "select max(suspects) n from {}.suspect_profile where quarter = '2015-16 Q4'"
    assert sql(folder, one.format("profile"))["n"].item() == 13
    assert sql(folder, one.format("edition"))["n"].item() == 7
    printed = pl.read_csv(
        folder / "output/2016-03-31/sub_group/tables/suspect_profile.csv", infer_schema=False
    )
    last = printed.filter(quarter="2015-16 Q4", category="all")["suspects"]
    assert set(last) == {"7"}
    page = (folder / "output/2016-03-31/sub_group/problem_profile.html").read_text()
    assert "Information reports of the period by how they were handled" in page


def test_ungraded_reports_are_a_gap_that_counts_restricted_ones(folder: Path) -> None:
    gaps = sql(folder, "select finding, evidence from profile.intelligence_gaps").rows()
    found = [why for finding, why in gaps if "graded neither for reliability" in finding]
    assert len(found) == 1
    assert found[0].startswith("11 of 13 reports have neither grade, 1 one only")


def test_handling_codes_and_consent_that_no_list_knows_are_listed(folder: Path) -> None:
    listed = sql(
        folder,
        "select \"column\", value from quality.unknown_value where dataset = 'reports' order by 1",
    ).rows()
    assert listed == [("Code", "Amber"), ("Consent", "as usual"), ("Sanitised", "perhaps")]


def test_who_reported_and_how_they_are_reached_is_in_received_and_nowhere_else(
    folder: Path,
) -> None:
    secrets = (REPORTER, CONTACT)
    held = set()
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
        names = con.sql("select table_schema, table_name from information_schema.tables").fetchall()
        for schema, table in names:
            text = con.sql(
                f'select string_agg(columns(*)::varchar, chr(10)) from "{schema}"."{table}"'
            ).fetchall()
            if any(secret in str(text) for secret in secrets):
                held.add(f"{schema}.{table}")
    assert held == {"received.reports"}
    looked = 0
    for path in [*(folder / "output").rglob("*"), *(folder / "review").rglob("*"),
                 *(folder / ".dagster").rglob("*"), folder / "printed.txt"]:  # fmt: skip
        if path.is_file():
            looked += 1
            assert not any(secret in text_of(path) for secret in secrets), path.name
    assert looked > 20


def text_of(path: Path) -> str:
    """All text of a file, of the parts of an archive and of the pages of a PDF."""
    if path.suffix in (".docx", ".xlsx"):
        with zipfile.ZipFile(path) as parts:
            return "".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())
    if path.suffix == ".pdf":
        import pypdf

        return "".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    return path.read_bytes().decode("utf-8", "replace")
