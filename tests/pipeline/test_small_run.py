"""The whole method on a tiny made-up borough: what is made, made again, kept apart and blocked."""

import os
import stat
from pathlib import Path

import duckdb
import polars as pl
import pytest

from profile_pipeline.run import NEEDED, reason
from tests.unit import small_borough
from tests.unit.small_borough import BROKEN, Twice


@pytest.fixture(scope="module")
def run() -> Twice:
    made = small_borough.twice_run()
    assert made.codes == (0, 0), made.printed[-3000:]
    return made


def sql(run: Twice, query: str) -> pl.DataFrame:
    with duckdb.connect(str(run.folder / "warehouse.duckdb"), read_only=True) as connection:
        return connection.sql(query).pl()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_output_is_there(run: Twice) -> None:
    for name in NEEDED:
        assert (run.outputs / name).stat().st_size > 0, name


def test_the_same_files_give_the_same_bytes(run: Twice) -> None:
    one, two = files(run.first), files(run.outputs)
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_a_file_that_was_not_used_is_told_at_the_end_of_the_run(run: Twice) -> None:
    told = [line for line in run.printed.splitlines() if line.startswith(f"  {BROKEN}: not used: ")]
    assert len(told) == 2, "once a run"
    assert "not a CSV file" in told[0]


def test_a_broken_file_fails_its_own_quarter_alone(run: Twice) -> None:
    told = sql(run, "select quarter, status from quality.delivery where dataset = 'missing'")
    assert dict(told.iter_rows()) == {
        "2015-16 Q1": "loaded",
        "2015-16 Q2": "unreadable",
        "2015-16 Q3": "loaded",
        "2015-16 Q4": "loaded",
    }
    episodes = sql(run, "select quarter, count(*) n from records.missing_episode group by 1")
    assert dict(episodes.iter_rows()) == dict.fromkeys(
        ("2015-16 Q1", "2015-16 Q3", "2015-16 Q4"), 8
    )
    gaps = sql(run, "select finding, evidence from profile.intelligence_gaps")
    assert any("2015-16 Q2" in f"{finding} {why}" for finding, why in gaps.iter_rows())


def test_nothing_received_is_lost(run: Twice) -> None:
    sent = {BROKEN: 0, "school.csv": 8}
    sent |= {f"missing/2015-16_{q}.csv": 10 for q in ("Q1", "Q3", "Q4")}
    sent |= {f"tracker/2015-16_Q{n}.csv": 6 for n in (1, 2, 3, 4)}
    fates = sql(run, "select file, fate, count(*) n from quality.fate group by 1, 2")
    told = dict(fates.group_by("file").agg(pl.col("n").sum()).iter_rows())
    assert told == {file: rows for file, rows in sent.items() if rows}
    # No district of the area is named: no child may be left out as living elsewhere.
    of_a_quarter = fates.filter(pl.col("file") == "missing/2015-16_Q1.csv").select("fate", "n")
    assert dict(of_a_quarter.iter_rows()) == {"harmonised": 8, "quarantined": 1, "duplicate": 1}


def test_each_child_is_one_person_in_all_three_files(run: Twice) -> None:
    """Eight children, each by a name and date of birth of her own, are eight persons."""
    found = sql(
        run, "select person_id, count(distinct dataset) n from people.record_person group by 1"
    )
    assert found["n"].sort().to_list() == [2, 2, *[3] * 6]


def test_the_cohort_is_the_trackers(run: Twice) -> None:
    """Five open children at the year's end: three at risk, two serious (the sixth's is unknown)."""
    found = sql(
        run,
        "select risk_level, children from profile.cohort_by_quarter where quarter = '2015-16 Q4'",
    )
    counts = dict(found.iter_rows())
    assert (counts["all"], counts["at_risk"], counts["serious"]) == (5, 3, 2)


def test_indicators_are_counted_by_child(run: Twice) -> None:
    found = sql(run, "select indicator, children, events from profile.indicator_prevalence")
    counts = {indicator: (children, events) for indicator, children, events in found.iter_rows()}
    # Missing in three quarters that arrived; absent 20 of 100 sessions, one of eight unreadable.
    assert (8, 24) in counts.values()
    assert (7, 7) in counts.values()
    assert (4, 4) in counts.values()


def test_all_that_is_kept_is_its_owners_alone(run: Twice) -> None:
    open_files = [
        str(path.relative_to(run.folder))
        for path in [run.folder / "warehouse.duckdb", *run.folder.rglob("*")]
        if path.parts[len(run.folder.parts)] in ("output", "review", ".dagster", "warehouse.duckdb")
        and stat.S_IMODE(path.stat().st_mode) & 0o077
        # Folders of Dagster's own may be listed where the home above them may not be entered.
        and not (path.is_dir() and ".dagster" in path.parts)
    ]
    assert open_files == []
    assert stat.S_IMODE((run.folder / "warehouse.duckdb").stat().st_mode) == 0o600
    assert stat.S_IMODE((run.folder / ".dagster").stat().st_mode) == 0o700


def test_what_the_agencies_sent_is_never_written_to(run: Twice) -> None:
    again = small_borough.missing(0)
    assert (run.folder / "data" / "missing" / "2015-16_Q1.csv").read_text() == again
    assert len(list((run.folder / "data").rglob("*.csv"))) == 9


def test_a_lost_row_blocks_everything_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from profile_pipeline.definitions import JOB, build_definitions
    from profile_pipeline.intake.collect import Collected

    whole = Collected.fates
    monkeypatch.setattr(
        Collected, "fates", lambda self, quarantine: whole(self, quarantine).slice(1)
    )
    before = os.umask(0o077)
    try:
        folder = small_borough.write_borough(tmp_path / "p")
        job = build_definitions(folder).resolve_job_def(JOB)
        keys = (["received", "school"], ["harmonised", "school"], ["quarantine", "school"])
        with dg.DagsterInstance.ephemeral() as instance:
            result = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                asset_selection=[
                    *(dg.AssetKey(key) for key in keys),
                    dg.AssetKey(["quality", "repairs"]),
                ],
            )
    finally:
        os.umask(before)
    assert not result.success
    failed = [event for event in result.all_events if event.is_step_failure]
    assert [event.step_key for event in failed] == ["load_school"]
    error = failed[0].step_failure_data.error
    assert error.cause.cls_name == "ContractError"
    assert "do not add up in school.csv" in reason(error)
    assert not result.get_asset_materialization_events()
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        made = connection.sql("select table_schema, table_name from information_schema.tables")
        assert made.fetchall() == [], "nothing of a dataset that lost a row is kept"


def test_what_nobody_supplies_is_unknown_in_a_real_run(run: Twice) -> None:
    """Its plan has no crimes, suspects, outcomes or interviews; one quarter's file is broken."""
    interviews = sql(run, "select * from profile.return_interviews order by quarter")
    assert interviews["episodes"].to_list() == [8, None, 8, 8]
    for column in ("due", "within_72_hours", "late", "none"):
        assert interviews[column].null_count() == 4, column
    for table, count in (
        ("suspect_profile", "suspects"),
        ("disruption_outcomes", '"count"'),
    ):
        told = sql(run, f"select count(*) n, count({count}) told from profile.{table}").row(0)
        assert told[0] > 0, table
        assert told[1] == 0, table
    csv = (run.outputs / "sub_group" / "tables" / "disruption_outcomes.csv").read_text()
    assert {line.rsplit(",", 1)[1] for line in csv.splitlines()[1:]} == {"[x]"}
    asked = sql(run, "select finding from profile.intelligence_gaps")["finding"].to_list()
    for word in ("Crimes", "Suspects", "Return interviews", "Disruption"):
        assert any(text.startswith(word) and "not held" in text for text in asked), word
    report = (run.outputs / "sub_group" / "problem_profile.html").read_text()
    assert "Not held: recorded crimes; no dataset supplies it" in report
    assert "crimes name no suspect" not in report
