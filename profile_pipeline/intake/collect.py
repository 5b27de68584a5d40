"""One dataset from its files to harmonised rows: found, read, checked for columns, harmonised.

A missing or unreadable file fails its own quarter alone; everything that arrived is kept as sent.
"""

import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from profile_pipeline.codes.lookup import unknown_texts
from profile_pipeline.errors import DeliveryError, Problem
from profile_pipeline.file_rows import EARLIER, REPLACED, file_in_words
from profile_pipeline.intake.deliveries import (
    NOT_CALLED_SO,
    find_deliveries,
    read_register,
    stray_files,
)
from profile_pipeline.intake.fates import fates_of
from profile_pipeline.intake.filled_templates import as_plan, open_file, united
from profile_pipeline.intake.harmonise import Harmonised, harmonise
from profile_pipeline.intake.headers import near_misses, rename_to_plan, resolve_headings, used_for
from profile_pipeline.intake.lookups import REASONS as LOOKUP_REASONS
from profile_pipeline.intake.lookups import look_up
from profile_pipeline.intake.readers import read_file
from profile_pipeline.intake.standard_returns import heading_for, loosened, siblings, surplus
from profile_pipeline.plan.collection import Dataset
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.requirement import Template
from profile_pipeline.quarters import fiscal_year, last_day
from profile_pipeline.tables import DELIVERY, HEADING, MISSING_COLUMN, QUARANTINE, conform, empty

NOT_LOADED = "; it is not loaded."
FAILED = ("unreadable", "unusable", "refused")  # came, and nothing of it can be used
REGISTER = "deliveries.csv"  # of the profile folder: when each file was received
DUPLICATE_SCHEMA = {
    "dataset": pl.String,
    "file": pl.String,
    "row": pl.Int64,
    "kept_row": pl.Int64,
}


@dataclass(frozen=True)
class Collected:
    """A dataset as received and as it can be used."""

    received: pl.DataFrame
    sent: pl.DataFrame
    harmonised: Harmonised
    duplicates: pl.DataFrame
    deliveries: pl.DataFrame
    missing_columns: pl.DataFrame
    headings: pl.DataFrame
    surplus_columns: tuple[str, ...] = ()
    # (plan's column, heading likely meant), for `check` alone.
    near_misses: tuple[tuple[str, str], ...] = ()

    def fates(self, quarantine: pl.DataFrame) -> pl.DataFrame:
        """Return every received row's fate, given all that was quarantined."""
        superseded = self.deliveries.filter(pl.col("status") == "superseded").select("file")
        # A list that need not come has no delivery, and no row whose fate could be told.
        dataset = str(self.deliveries["dataset"].first() or "")
        unusable = self.deliveries.filter(pl.col("status") == "unusable").select("file", "problem")
        whole = self.received.join(unusable, left_on="_file", right_on="file", how="inner").select(
            dataset=pl.lit(dataset),
            file="_file",
            row="_row",
            column=pl.lit(None, dtype=pl.String),
            value=pl.lit(None, dtype=pl.String),
            rule=pl.lit("unusable_file"),
            reason="problem",
        )
        return fates_of(
            self.received,
            dataset=dataset,
            superseded=superseded,
            duplicates=self.duplicates,
            quarantine=pl.concat([quarantine, conform(whole, QUARANTINE)]),
        )


@dataclass
class _File:
    file: str
    quarter: str
    frame: pl.DataFrame | None = None
    rows: int | None = None
    status: str = "loaded"
    problem: str | None = None
    missing: tuple[str, ...] = ()
    headings: tuple[tuple[str, str], ...] = ()
    surplus: tuple[str, ...] = ()
    near_misses: tuple[tuple[str, str], ...] = ()
    work: pl.DataFrame | None = None
    duplicates: pl.DataFrame | None = None
    template: Template | None = None


def collect_dataset(
    plan: Plan,
    dataset: Dataset,
    *,
    before: pl.DataFrame | None = None,
    today: date | None = None,
) -> Collected:
    """Return a dataset collected from the plan's data root; never raises for what a file holds.

    `before` is what was received up to the run before: rows of a file that has since been replaced
    or taken away are kept, as superseded. `today` is the day against which what is due is judged;
    none means that all is due.
    """
    others = [
        *(other.delivery for other in plan.datasets if other.id != dataset.id),
        *siblings(plan, dataset),
    ]
    found = find_deliveries(
        plan.data_root,
        dataset.id,
        dataset.delivery,
        plan.quarters,
        today=today,
        others=others,
        received=read_register(plan.folder / REGISTER)[0],
    )
    files = [
        _read(plan, dataset, row["file"], row["quarter"], counts=row["status"] == "arrived")
        for row in found.filter(pl.col("status").is_in(["arrived", "superseded"])).iter_rows(
            named=True
        )
    ]
    earlier = _earlier(before, found)
    received = pl.concat([_received(files, found), earlier], how="diagonal")
    for file in files:
        # What was received is held once.
        file.rows = file.frame.height if file.frame is not None else None
        file.frame = None
    usable = [file for file in files if file.work is not None]
    rows = [file.work for file in usable if file.work is not None and file.template is None]
    work, unfilled = _look_up(plan, dataset, pl.concat(rows) if rows else _no_rows(dataset))
    result = harmonise(
        work, dataset, period_start=plan.settings.period.start, own_codes=plan.own_codes
    )
    for file in usable:
        if file.work is not None and (template := file.template) is not None:
            more = harmonise(
                file.work,
                template.dataset,
                period_start=plan.settings.period.start,
                own_codes=plan.own_codes,
            )
            result = united(result, more)
            work = pl.concat([work, as_plan(file.work, template, dataset)])
    duplicates = [file.duplicates for file in usable if file.duplicates is not None]
    return Collected(
        received=received,
        sent=work,
        harmonised=_with_repairs(result, unfilled),
        duplicates=pl.concat(duplicates) if duplicates else pl.DataFrame(schema=DUPLICATE_SCHEMA),
        deliveries=_carrying(
            plan, dataset, _deliveries(plan, dataset, found, files, earlier), result.rows
        ),
        missing_columns=_missing_columns(dataset, usable),
        headings=_headings(dataset, usable),
        surplus_columns=tuple(dict.fromkeys(c for file in usable for c in file.surplus)),
        near_misses=tuple(dict.fromkeys(pair for file in usable for pair in file.near_misses)),
    )


def _look_up(plan: Plan, dataset: Dataset, work: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows with what other lists of the delivery say about them, and what they don't.

    The other list's files are read anew: a dataset is collected by itself, in any order.
    """
    unfilled = [pl.DataFrame(schema=QUARANTINE.polars_schema)]
    for lookup in dataset.lookup:
        other = plan.dataset(lookup.dataset)
        found = find_deliveries(
            plan.data_root,
            other.id,
            other.delivery,
            plan.quarters,
            received=read_register(plan.folder / REGISTER)[0],
        )
        rows = [
            frame
            for file, quarter in found.filter(pl.col("status") == "arrived")
            .select("file", "quarter")
            .iter_rows()
            if (frame := _other_rows(plan, other, file, quarter, lookup.takes())) is not None
        ]
        united = pl.concat(rows) if rows else None
        work, faults = look_up(work, lookup, united, unknown=unknown_texts(plan.own_codes))
        unfilled.append(
            faults.select(
                dataset=pl.lit(dataset.id),
                file="file",
                row="row",
                column="column",
                value=pl.lit(None, dtype=pl.String),
                rule="rule",
                reason=pl.col("rule").replace_strict(
                    list(LOOKUP_REASONS), list(LOOKUP_REASONS.values()), return_dtype=pl.String
                ),
            ).cast(QUARANTINE.polars_schema)  # type: ignore[arg-type]
        )
    return work, pl.concat(unfilled)


def _other_rows(
    plan: Plan, other: Dataset, name: str, quarter: str, columns: list[str]
) -> pl.DataFrame | None:
    """Return columns of another list's file; null when it can't be read or lacks them all."""
    try:
        frame = read_file(plan.data_root / Path(name), other.read, name=name)
    except DeliveryError:
        return None
    headings = [column for column in frame.columns if column != "_row"]
    # A row that comes twice to the letter counts once, in a sum too.
    frame = frame.unique(headings, keep="first", maintain_order=True)
    spelt = loosened(other.model_copy(update={"also": (*other.also, *columns)}), headings)
    found = {c: heading for c in columns if (heading := heading_for(spelt, headings, c))}
    if not found:
        return None
    return frame.select(
        *(
            pl.col(found[c]).alias(c) if c in found else pl.lit(None, dtype=pl.String).alias(c)
            for c in columns
        ),
        pl.lit(quarter).alias("_quarter"),
    )


def _with_repairs(result: Harmonised, unfilled: pl.DataFrame) -> Harmonised:
    """Return the result with cells that could not be filled among its repairs, kept rows only."""
    if unfilled.is_empty():
        return result
    kept = unfilled.join(
        result.rows.select("file", "row"), on=("file", "row"), how="semi", maintain_order="left"
    )
    repairs = pl.concat([result.repairs, kept]).sort("file", "row", "column", "rule")
    return replace(result, repairs=repairs)


def _no_rows(dataset: Dataset) -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            **dict.fromkeys(dataset.columns(), pl.String),
            "_file": pl.String,
            "_row": pl.Int64,
            "_quarter": pl.String,
        }
    )


def _read(plan: Plan, dataset: Dataset, name: str, quarter: str, *, counts: bool) -> _File:
    """Read one file; its rows are used only when it counts and has the columns it needs."""
    result = _File(name, quarter)
    try:
        path = plan.data_root / Path(name)
        result.frame, result.template, result.problem = open_file(path, dataset, name)
    except DeliveryError as error:
        result.status = "unreadable"
        result.problem = " ".join(str(problem) for problem in error.problems)
        return result
    if not counts:
        result.status = "superseded"
        return result
    headings = [column for column in result.frame.columns if column != "_row"]
    dataset = result.template.dataset if result.template else loosened(dataset, headings)
    resolved = resolve_headings(headings, dataset, file=name, given=dataset.looked_up())
    result.surplus = tuple(surplus(headings, resolved.found.values(), dataset))
    result.missing = tuple(resolved.missing)
    result.near_misses = tuple(near_misses(headings, resolved).items())
    named = {c: c for c in resolved.found}
    if template := result.template:
        own = set(template.renamed.values())
        named = template.renamed | {c: c for c in resolved.found if c not in own}
    result.headings = tuple((c, resolved.found[h]) for c, h in named.items() if h in resolved.found)
    # An XML return has no element for what nobody had: a list without a row lacks its columns too.
    nobody = dataset.read.format == "xml" and result.frame.is_empty()
    if resolved.fatal and not nobody:
        result.status = "unusable"
        result.problem = " ".join(str(problem) for problem in resolved.fatal)
        return result
    result.duplicates = _duplicates(result.frame, dataset.id, name)
    rows = rename_to_plan(result.frame, resolved, dataset).join(
        result.duplicates.select(pl.col("row").alias("_row")), on="_row", how="anti"
    )
    result.work = rows.select(
        *dataset.columns(), pl.lit(name).alias("_file"), "_row", pl.lit(quarter).alias("_quarter")
    )
    return result


def _duplicates(frame: pl.DataFrame, dataset: str, file: str) -> pl.DataFrame:
    """Return rows of a file that repeat an earlier one to the letter, and which they repeat."""
    cells = [column for column in frame.columns if column != "_row"]
    first = pl.col("_row").min().over(cells)
    return (
        frame.with_columns(kept_row=first)
        .filter(pl.col("_row") != pl.col("kept_row"))
        .select(dataset=pl.lit(dataset), file=pl.lit(file), row="_row", kept_row="kept_row")
        .cast(DUPLICATE_SCHEMA)  # type: ignore[arg-type]
    )


def _received(files: list[_File], found: pl.DataFrame) -> pl.DataFrame:
    """Return all rows as sent, under the agency's headings, with file, row, hash and quarter."""
    hashes = dict(zip(found["file"], found["sha256"], strict=True))
    frames = [
        file.frame.with_columns(
            pl.lit(file.file).alias("_file"),
            pl.lit(hashes[file.file]).alias("_sha256"),
            pl.lit(file.quarter).alias("_quarter"),
        )
        for file in files
        if file.frame is not None
    ]
    meta = ["_file", "_row", "_sha256", "_quarter"]
    if not frames:
        return pl.DataFrame(
            schema={
                "_file": pl.String,
                "_row": pl.Int64,
                "_sha256": pl.String,
                "_quarter": pl.String,
            }
        )
    united = pl.concat(frames, how="diagonal")
    return united.select(*meta, *(column for column in united.columns if column not in meta))


def _earlier(before: pl.DataFrame | None, found: pl.DataFrame) -> pl.DataFrame:
    """Return rows received before from files that are no longer there as they were.

    Their `_file` carries eight digits of the version's hash (`a/2015-16_Q4.csv@1f2e3d4c`).
    """
    if before is None or before.is_empty():
        return pl.DataFrame()
    now = found.select(
        pl.col("file").alias("_file"), pl.col("sha256").alias("_sha256")
    ).drop_nulls()
    is_named = pl.col("_file").str.contains(REPLACED, literal=True)
    gone = before.join(now, on=["_file", "_sha256"], how="anti")
    version = pl.concat_str("_file", pl.lit(REPLACED), pl.col("_sha256").str.head(8))
    renamed = gone.with_columns(_file=pl.when(is_named).then("_file").otherwise(version))
    # A version that came back is current again.
    back = now.select(pl.concat_str("_file", pl.lit(REPLACED), pl.col("_sha256").str.head(8)))
    return renamed.filter(~pl.col("_file").is_in(back.to_series().implode()))


def _earlier_rows(
    plan: Plan, dataset: Dataset, found: pl.DataFrame, earlier: pl.DataFrame
) -> list[dict[str, object]]:
    """Return delivery rows of versions that were replaced or taken away."""
    if earlier.is_empty():
        return []
    present = set(found["file"].drop_nulls())
    rows: list[dict[str, object]] = []
    versions = earlier.group_by("_file", "_sha256", "_quarter", maintain_order=True).len()
    for file, sha256, quarter, count in versions.iter_rows():
        path = file.split(REPLACED)[0]
        rows.append(
            {
                "dataset": dataset.id,
                "agency": plan.agency_name(dataset.id),
                "quarter": quarter,
                "file": file,
                "sha256": sha256,
                "status": "superseded",
                "rows": count,
                "superseded_by": path if path in present else None,
                "problem": f"{path} was replaced by another version under the same name."
                if path in present
                else f"{path} was taken away; what was received of it is kept and not counted.",
            }
        )
    return rows


def _shown(file: object) -> str:
    """Return a file's name as people read it."""
    return re.sub(EARLIER, " as it was before", str(file))


def _replaces(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Say on each delivery that counts how many rows the one it replaces had, and which that is."""
    older = {
        row["quarter"]: row
        for row in rows
        if row["status"] == "superseded" and row["rows"] is not None
    }
    for row in rows:
        before = older.get(row["quarter"])
        if row["status"] == "loaded" and before is not None and not row.get("problem"):
            had = f"{before['rows']} row{'' if before['rows'] == 1 else 's'}"
            row["problem"] = (
                f"Replaces a delivery of {had} ({_shown(before['file'])}); this one has"
                f" {row['rows']}."
            )
    return rows


def _deliveries(
    plan: Plan, dataset: Dataset, found: pl.DataFrame, files: list[_File], earlier: pl.DataFrame
) -> pl.DataFrame:
    read = {file.file: file for file in files}
    rows: list[dict[str, object]] = _earlier_rows(plan, dataset, found, earlier)
    for row in found.iter_rows(named=True):
        file = read.get(row["file"])
        status = {"arrived": file.status if file else "unreadable"}.get(
            row["status"], row["status"]
        )
        rows.append(
            {
                "dataset": dataset.id,
                "agency": plan.agency_name(dataset.id),
                "quarter": row["quarter"] or "not told",
                "file": row["file"],
                "sha256": row["sha256"],
                "due_on": row["due_on"],
                "arrived_on": row["arrived_on"],
                "status": status,
                "rows": file.rows if file else None,
                "superseded_by": row["superseded_by"],
                "problem": (file.problem if file else None) or row["problem"],
            }
        )
    if not rows:
        return empty(DELIVERY)
    return conform(pl.DataFrame(_replaces(rows), schema=DELIVERY.polars_schema), DELIVERY)


def _carrying(
    plan: Plan, dataset: Dataset, deliveries: pl.DataFrame, rows: pl.DataFrame
) -> pl.DataFrame:
    """Return the deliveries with the quarters that files of a year or more tell of."""
    told = dataset.quarters_told(plan.quarters)
    if told == dataset.delivery.quarters(plan.quarters):
        return deliveries
    if dataset.delivery.every == "year":
        years = {q: [t for t in told if fiscal_year(t) == fiscal_year(q)] for q in told}
        carries = pl.col("quarter").replace_strict(
            list(years), [", ".join(each) for each in years.values()], default=None
        )
        named = deliveries.with_columns(carries=carries)
    else:
        dated = (
            pl.concat([rows.select("file", "quarter"), deliveries.select("file", "quarter")])
            .filter(pl.col("quarter").is_in(told))
            .group_by("file")
            .agg(carries=pl.col("quarter").unique().sort().str.join(", "))
        )
        named = deliveries.drop("carries").join(dated, on="file", how="left", maintain_order="left")
    loaded = pl.when(pl.col("status") == "loaded").then("carries")
    return conform(named.with_columns(carries=loaded), DELIVERY)


def _missing_columns(dataset: Dataset, files: list[_File]) -> pl.DataFrame:
    rows = [
        {
            "dataset": dataset.id,
            "file": file.file,
            "quarter": file.quarter,
            "column": column,
            "used_for": used_for(column, file.template.dataset if file.template else dataset),
        }
        for file in files
        for column in file.missing
    ]
    return pl.DataFrame(rows, schema=MISSING_COLUMN.polars_schema)


def _headings(dataset: Dataset, files: list[_File]) -> pl.DataFrame:
    """Return what each file that counts calls the plan's columns."""
    rows = [
        (dataset.id, file.file, file.quarter, column, heading)
        for file in files
        for column, heading in file.headings
    ]
    return pl.DataFrame(rows, schema=HEADING.polars_schema, orient="row")


def delivery_problems(plan: Plan) -> tuple[list[Problem], list[str]]:
    """Return what is wrong with the files (problems) and what is missing (notes), without loading.

    A file that can't be read or used is a problem; a quarter or a column that is missing is a note:
    the run goes on and it becomes an intelligence gap. A column that no file of a dataset has is a
    problem of the plan.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    if not plan.data_root.is_dir():
        where = str(plan.settings.data)
        return [Problem(where, "the data folder is not there.", "Set `data:` in profile.yaml.")], []
    problems += read_register(plan.folder / REGISTER)[1]
    for dataset in plan.datasets:
        collected = collect_dataset(plan, dataset)
        bad = collected.deliveries.filter(pl.col("status").is_in(FAILED))
        problems += [_as_problem(row) for row in bad.iter_rows(named=True)]
        missing = collected.deliveries.filter(pl.col("status") == "missing")["quarter"].to_list()
        loaded = collected.deliveries.filter(pl.col("status") == "loaded").height
        if missing and loaded:
            notes.append(f"{dataset.id}: nothing arrived for {', '.join(missing)}.")
        elif missing:
            notes.append(f"{dataset.id}: never delivered.")
        notes += notes_on_files(collected.deliveries.filter(~pl.col("status").is_in(FAILED)))
        if collected.surplus_columns:
            names = ", ".join(collected.surplus_columns[:5])
            more = " and others" if len(collected.surplus_columns) > 5 else ""
            notes.append(
                f"{dataset.id}: the standard doesn't know {names}{more}; kept as received only."
            )
        by_column = collected.missing_columns.group_by("column", maintain_order=True).agg(
            pl.len(), pl.col("quarter").str.join(", "), pl.col("used_for").first()
        )
        for column, count, quarters, use in by_column.iter_rows():
            meant = [f"'{heading}'" for name, heading in collected.near_misses if name == column]
            hint = f" It has {' and '.join(meant)}: add that under headers." if meant else ""
            if loaded and count == loaded and dataset.standard is None:
                problems.append(
                    Problem(
                        f"collection_plan.yaml, '{dataset.id}'",
                        f"no file has a column '{column}' ({use}).",
                        hint.strip()
                        or "Correct its name, or add the agency's heading under headers.",
                    )
                )
            else:
                notes.append(
                    f"{dataset.id}: column '{column}' ({use}) is missing in {quarters}.{hint}"
                )
        notes += _unexplained_levels(plan, dataset, collected.harmonised.rows)
    return problems, [*stray(plan), *notes]


def _unexplained_levels(plan: Plan, dataset: Dataset, rows: pl.DataFrame) -> list[str]:
    """Return a line on a tracker's levels that belong to no scheme of the plan at their quarter."""
    if "cse_tracker__risk_level" not in rows.columns:
        return []
    ended = [q for q in plan.quarters if last_day(q) <= plan.settings.as_at]
    strange = pl.DataFrame(
        [(q, v) for q in ended for v in plan.settings.tracker.unexplained_on(last_day(q))],
        schema={"quarter": pl.String, "cse_tracker__risk_level": pl.String},
        orient="row",
    )
    found = strange.join(rows, on=strange.columns, how="semi")
    if found.is_empty():
        return []
    levels, quarters = (
        ", ".join(found[name].unique(maintain_order=True))
        for name in ("cse_tracker__risk_level", "quarter")
    )
    return [
        f"{dataset.id}: the risk levels of {quarters} ({levels}) are not those of the plan. Did the"
        " team change its levels? Say so under `tracker: level_changes` in profile.yaml, with a"
        " crosswalk to the earlier ones; until then they are counted as written."
    ]


def stray(plan: Plan) -> list[str]:
    """Return what lies below the data folder and no dataset takes, a line for each folder."""
    taken = [other.delivery for other in plan.datasets]
    for dataset in plan.datasets:
        taken += siblings(plan, dataset)
    return stray_files(plan.data_root, taken)


def notes_on_files(deliveries: pl.DataFrame) -> list[str]:
    """Return a line for each file that wasn't used, or that took another's place.

    Args:
        deliveries: quality.delivery, or part of it.
    """
    told = deliveries.filter(pl.col("file").is_not_null() & pl.col("problem").is_not_null())
    what = pl.col("problem").str.strip_prefix(pl.concat_str("file", pl.lit(": ")))
    lower = what.str.slice(0, 1).str.to_lowercase() + what.str.slice(1)
    line = (
        pl.when(pl.col("status") == "loaded")
        .then(pl.concat_str(pl.lit(": "), lower))
        .when(pl.col("status") == "superseded")
        .then(pl.concat_str(pl.lit(": not used. "), what))
        .when(what.str.starts_with(NOT_CALLED_SO))
        .then(pl.concat_str(pl.lit(": "), lower.str.strip_chars_end("."), pl.lit(NOT_LOADED)))
        .otherwise(pl.concat_str(pl.lit(": not used: "), lower))
    )
    return told.select(pl.concat_str(file_in_words("file"), line)).to_series().to_list()


def _as_problem(row: dict[str, str]) -> Problem:
    problem = str(row["problem"])
    return Problem(row["file"], problem.removeprefix(f"{row['file']}: "))
