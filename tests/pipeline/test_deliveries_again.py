"""Files that come late, corrected, twice, many quarters in one, or go away: run after run.

What the UI shows of a dataset's quarters, and what the delivery table says, in one profile folder.
"""

from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from profile_pipeline import store
from profile_pipeline.definitions import build_definitions
from tests.unit.small_plan import PLAN, send, write_folder

HEAD = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category\n"
CHILD = "Forename,Surname,DOB,UPN,Unauthorised,Possible,Excluded\n"


def reports(*days: str) -> str:
    lines = [
        f'M{n},{day},"LEE{n}, Ann",06/05/2003,F,White British,DY1 1AA,,N{n},Missing'
        for n, day in enumerate(days)
    ]
    return HEAD + "\n".join(lines) + "\n"


class Runs:
    """A profile folder, the loading of its datasets, and what is shown after each run."""

    def __init__(self, folder: Path) -> None:
        text = PLAN.replace(
            'delivery: {every: quarter, due: 14 days, files: "tracker/{quarter}.csv"}',
            'delivery: {every: year, due: 14 days, files: "tracker/{year}.csv"}',
        )
        assert "{year}" in text
        self.folder = write_folder(folder / "p", plan=text)
        (folder / "dagster").mkdir()
        self.instance = dg.DagsterInstance.local_temp(str(folder / "dagster"))

    def load(self) -> None:
        names = ("missing", "tracker", "school")
        wanted = [dg.AssetKey([part, n]) for n in names for part in ("received", "harmonised")]
        keys = [*wanted, *(dg.AssetKey(["quarantine", name]) for name in names)]
        keys.append(dg.AssetKey(["quality", "delivery"]))
        definitions = build_definitions(self.folder)
        job = dg.define_asset_job("load", selection=dg.AssetSelection.assets(*keys))
        resolved = dg.Definitions(
            assets=definitions.assets, resources=definitions.resources, jobs=[job]
        ).resolve_job_def("load")
        with store.connect(store.warehouse_path(self.folder)):
            assert resolved.execute_in_process(instance=self.instance).success

    def shown(self, dataset: str) -> set[str]:
        return self.instance.get_materialized_partitions(dg.AssetKey(["delivery", dataset]))

    def table(self, name: str = "delivery", schema: str = "quality") -> pl.DataFrame:
        with store.connect(store.warehouse_path(self.folder), read_only=True) as connection:
            return store.read_table(connection, schema, name)

    def state(self, quarter: str) -> list[tuple[str | None, str, int | None]]:
        own = self.table().filter(dataset="missing", quarter=quarter)
        return [
            (None if file is None else file.split("@")[0], status, rows)
            for file, status, rows in own.select("file", "status", "rows").iter_rows()
        ]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_quarters_are_shown_as_they_come_are_corrected_and_go(runs: Runs) -> None:
    name = "missing/2015-16_{}.csv"
    send(runs.folder, name.format("Q1"), reports("05/05/2015", "06/05/2015"))
    runs.load()
    assert runs.shown("missing") == {"2015-16_Q1"}
    assert runs.state("2015-16 Q2") == [(None, "missing", None)]

    # Late, corrected under the same name, and twice under a name that says so.
    send(runs.folder, name.format("Q2"), reports("05/08/2015"))
    send(runs.folder, name.format("Q1"), reports("05/05/2015", "06/05/2015", "07/05/2015"))
    send(runs.folder, name.format("Q3"), reports("05/11/2015"))
    send(runs.folder, name.format("Q3_v2"), reports("05/11/2015", "06/11/2015"))
    runs.load()
    assert runs.shown("missing") == {"2015-16_Q1", "2015-16_Q2", "2015-16_Q3"}
    q1, q3 = name.format("Q1"), name.format("Q3")
    assert runs.state("2015-16 Q1") == [(q1, "loaded", 3), (q1, "superseded", 2)]
    v2 = name.format("Q3_v2")
    assert runs.state("2015-16 Q3") == [(q3, "superseded", 1), (v2, "loaded", 2)]
    told = runs.table().filter(dataset="missing", status="loaded").drop_nulls("problem")
    assert told["problem"].to_list() == [
        f"Replaces a delivery of 2 rows ({q1} as it was before); this one has 3.",
        f"Replaces a delivery of 1 row ({q3}); this one has 2.",
    ]
    received = runs.table("missing", "received")
    assert received.height == 2 + 3 + 1 + 1 + 2, "nothing received is lost"

    # A file taken away, and one that can't be read any more, are not shown as there.
    (runs.folder / "data" / name.format("Q2")).unlink()
    send(runs.folder, v2, "")
    runs.load()
    assert runs.shown("missing") == {"2015-16_Q1"}
    assert runs.table("missing", "received").height == received.height
    # And back again.
    send(runs.folder, name.format("Q2"), reports("05/08/2015"))
    runs.load()
    assert runs.shown("missing") == {"2015-16_Q1", "2015-16_Q2"}


def test_a_year_in_one_file_and_a_register_without_a_period(runs: Runs) -> None:
    line = "T{n},Ann,Lee,2003-05-06,F,C1,Smallton,at risk,Open\n"
    head = "Ref,Forename,Surname,DOB,Sex,ICS,Authority,Risk,Status\n"
    send(runs.folder, "tracker/2015-16.csv", head + line.format(n=1))
    send(runs.folder, "school.csv", CHILD + "Ann,Lee,2003-05-06,A123456789012,10,60,Y\n")
    # A quarter's file that carries rows of other quarters: each counts in that of its own date.
    days = ("05/05/2015", "05/08/2015", "05/11/2015", "05/02/2016")
    send(runs.folder, "missing/2015-16_Q4.csv", reports(*days))
    runs.load()
    assert runs.shown("tracker") == {f"2015-16_Q{n}" for n in (1, 2, 3, 4)}
    assert runs.shown("school") == {"2015-16_Q4"}
    rows = runs.table("missing", "harmonised")
    assert rows.sort("row")["quarter"].to_list() == [f"2015-16 Q{n}" for n in (1, 2, 3, 4)]
    assert runs.shown("missing") == {"2015-16_Q4"}
    send(runs.folder, "school_v2.csv", CHILD + "Ann,Lee,2003-05-06,A123456789012,0,60,N\n")
    runs.load()
    status = dict(runs.table().filter(dataset="school").select("file", "status").iter_rows())
    assert status == {"school.csv": "superseded", "school_v2.csv": "loaded"}
