"""Intake at size: a million received rows in 20 files, against simply reading and storing them.

    python benchmarks/intake.py [--rows 1000000]

Both sides run in one process each, one after the other, on the same invented files: (a) polars
reads each CSV as text and writes it to DuckDB; (b) the intake finds, reads, harmonises, expects and
writes received rows, harmonised rows, faults and fates. Printed are seconds, peak memory, ratios.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

PLAN = """\
agencies: [{id: police, name: Police}]
datasets:
  - id: missing
    agency: police
    title: Missing from home
    what: Episodes
    why: An indicator
    how: Extract
    lawful_basis: Children Act 2004 s.10
    keep_for: 6 years
    delivery: {every: quarter, files: "missing/{quarter}.csv"}
    dated_by: {column: REPORTED, format: "%d/%m/%Y %H:%M"}
    reference: {column: REF}
    subjects:
      - role: child
        forename: FORENAME
        surname: SURNAME
        date_of_birth: {column: DOB, format: "%d/%m/%Y"}
        sex: SEX
        ethnicity: {column: ETHNICITY, codes: ethnicity_police_16_plus_1}
        postcode: POSTCODE
        nhs_number: NHS
        local_ids: [{column: NOMINAL, issuer: police}]
    events:
      - indicator: missing_from_home_or_care
      - measure: missing_episode
        fields:
          category: {column: CATEGORY, values: {Missing: missing, Absent: absent}}
          reported_at: {column: REPORTED, format: "%d/%m/%Y %H:%M"}
          returned_at: {column: RETURNED, format: "%d/%m/%Y %H:%M"}
          interview_offered: RHI
"""
PROFILE = """\
title: Benchmark
terms_of_reference:
  {aim: a, objectives: [o], methodology: m, time_frames: t, required_outputs: [r], resources: r}
area: {name: Area, responsible_authority: Area}
period: {start: 2011-04-01, end: 2016-03-31}
as_at: 2016-03-31
synthetic: true
"""
FILES = 20


def write_files(folder: Path, rows: int) -> None:
    """Write a profile folder with the rows in 20 quarterly files; 3 in 100 cells are messy."""
    from datetime import date

    from profile_pipeline.quarters import file_form, first_day, quarters_between

    rng = np.random.default_rng(1)
    (folder / "profile.yaml").write_text(PROFILE)
    (folder / "collection_plan.yaml").write_text(PLAN)
    (folder / "data" / "missing").mkdir(parents=True)
    quarters = quarters_between(date(2011, 4, 1), date(2016, 3, 31))
    syllables = np.array(["ka", "lo", "mi", "ren", "sha", "tor", "wyn", "bel", "dun", "far"])
    for quarter in quarters[:FILES]:
        n = rows // FILES
        start = np.datetime64(first_day(quarter).isoformat())
        reported = start + rng.integers(0, 88, n).astype("timedelta64[D]")
        born = np.datetime64("1998-01-01") + rng.integers(0, 2500, n).astype("timedelta64[D]")

        def name(parts: int, n: int = n) -> pl.Series:
            return pl.Series(
                ["".join(row) for row in rng.choice(syllables, (n, parts))]
            ).str.to_uppercase()

        frame = pl.DataFrame(
            {
                "REF": [f"M{i:07d}" for i in rng.integers(0, 9_999_999, n)],
                "NOMINAL": [f"P{i:06d}" for i in rng.integers(0, 100_000, n)],
                "FORENAME": name(2),
                "SURNAME": name(3),
                "DOB": pl.Series(born).dt.to_string("%d/%m/%Y"),
                "SEX": rng.choice(["F", "M", "U"], n),
                "ETHNICITY": rng.choice(["W1", "A2", "B1", "M1", "NS"], n),
                "POSTCODE": [
                    f"QY{a} {b}{c}"
                    for a, b, c in zip(
                        rng.integers(1, 10, n),
                        rng.integers(0, 10, n),
                        rng.choice(["AA", "AB", "BD", "XY"], n),
                        strict=True,
                    )
                ],
                "NHS": [f"{i:010d}" for i in rng.integers(4_000_000_000, 9_999_999_999, n)],
                "CATEGORY": rng.choice(["Missing", "Absent"], n),
                "REPORTED": pl.Series(reported).dt.to_string("%d/%m/%Y") + " 12:30",
                "RETURNED": pl.Series(reported + np.timedelta64(1, "D")).dt.to_string("%d/%m/%Y")
                + " 09:15",
                "RHI": rng.choice(["Y", "N", ""], n),
                "NOTES": rng.choice(
                    ["Whereabouts unclear; phone off.", "", "Collected by a friend, home later"], n
                ),
            }
        )
        messy = pl.Series(rng.random(n) < 0.03)
        frame = frame.with_columns(
            pl.when(messy).then(pl.lit("N/K")).otherwise("DOB").alias("DOB"),
        )
        frame.write_csv(folder / "data" / "missing" / f"{file_form(quarter)}.csv")


def simply(folder: Path) -> None:
    """Read every file as text with polars and write it to DuckDB."""
    import duckdb

    frames = [
        pl.read_csv(path, infer_schema=False)
        for path in sorted((folder / "data/missing").glob("*.csv"))
    ]
    united = pl.concat(frames)  # noqa: F841
    with duckdb.connect(str(folder / "simple.duckdb")) as connection:
        connection.execute("create table received as select * from united").fetchall()


def intake(folder: Path) -> None:
    """Collect, expect and store, as the loading step does."""
    from expectations.datasets import expect_dataset
    from profile_pipeline import store
    from profile_pipeline.intake.collect import collect_dataset
    from profile_pipeline.intake.fates import check_conservation
    from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
    from profile_pipeline.plan.load import load_plan

    plan = load_plan(folder)
    dataset = plan.datasets[0]
    collected = collect_dataset(plan, dataset)
    rows = collected.harmonised.rows
    failed, _ = expect_dataset(rows, collected.sent, dataset, plan)
    kept = rows.join(failed, on=("file", "row"), how="anti")
    fates = collected.fates(collected.harmonised.quarantine)
    check_conservation(fates, collected.deliveries)
    frames = {dataset.id: kept}
    with store.connect(folder / "warehouse.duckdb") as connection:
        store.write_table(connection, "received", dataset.id, collected.received)
        store.write_table(connection, "harmonised", dataset.id, kept)
        store.write_table(connection, "records", "subject", subjects_of(frames))
        store.write_table(connection, "records", "indicator_event", indicator_events_of(frames))
        store.write_table(
            connection, "records", "missing_episode", measure_of(frames, "missing_episode")
        )
        store.write_table(connection, "quality", "fate", fates)


def measured(work: str, folder: str, out: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    """Run one side and report seconds and peak memory (MB)."""
    if work == "intake":
        import great_expectations  # noqa: F401  (its import is paid once a run, not by rows)

    began = time.perf_counter()
    {"simply": simply, "intake": intake}[work](Path(folder))
    seconds = time.perf_counter() - began
    out.put((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    """Print both sides and their ratios."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    rows = arguments.parse_args().rows
    context = multiprocessing.get_context("spawn")
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), rows)
        for work in ("simply", "intake"):
            queue = context.Queue()
            process = context.Process(target=measured, args=(work, folder, queue))
            process.start()
            figures[work] = queue.get()
            process.join()
    (simple_s, simple_mb), (intake_s, intake_mb) = figures["simply"], figures["intake"]
    print(
        json.dumps(
            {
                "rows": rows,
                "simply_s": round(simple_s, 2),
                "intake_s": round(intake_s, 2),
                "ratio_time": round(intake_s / simple_s, 2),
                "simply_mb": round(simple_mb),
                "intake_mb": round(intake_mb),
                "ratio_memory": round(intake_mb / simple_mb, 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
