"""Data quality by dataset and quarter: what came, what could be used, how complete and how late."""

from collections.abc import Sequence

import polars as pl

from profile_pipeline.plan.settings import QualityLimits
from profile_pipeline.tables import PROFILE, SUBJECT_KEY, conform, is_child

CORE_FIELDS = (
    "forename",
    "surname",
    "date_of_birth",
    "sex",
    "ethnicity_code",
    "disability",
    "postcode",
)
# What people call them.
FIELDS = {
    "forename": "Forename",
    "surname": "Surname",
    "date_of_birth": "Date of birth",
    "sex": "Sex",
    "ethnicity_code": "Ethnic group",
    "disability": "Disability",
    "postcode": "Postcode",
    "postcode_sector": "Postcode sector",
}
_KEY = ["dataset", "quarter", "measure"]
POSTCODE, SECTOR = "postcode", "postcode_sector"


def data_quality(
    fate: pl.DataFrame,
    repairs: pl.DataFrame,
    delivery: pl.DataFrame,
    missing_column: pl.DataFrame,
    subject: pl.DataFrame,
    record_person: pl.DataFrame,
    datasets: pl.DataFrame,
    collected: pl.DataFrame | None = None,
    expectation: pl.DataFrame | None = None,
    limits: QualityLimits | None = None,
) -> pl.DataFrame:
    """Return profile.data_quality: one row a dataset, quarter of delivery and measure.

    Measures: rows_received, rows_harmonised, rows_quarantined, rows_duplicate, rows_kept_apart,
    rows_superseded (counts), cells_repaired (count), columns_missing (count), days_late (days
    after the due date, 0 when in time; null when nothing arrived), delivered (1 or 0; null when it
    isn't due yet; 1 also for each further quarter that a file of a year or more tells of, whose
    rows are counted once),
    linked_percent (records whose person has a record in another dataset, of all, 0-100) and
    complete_percent:<field> (children's records that give the field, 0-100; a dataset that gives
    the sector of every postcode and never the whole is judged by `postcode_sector`). By rule:
    rows_quarantined:<rule> (a row that breaks two rules counts for each) and
    cells_repaired:<rule>, where there are any. unknown_values (spellings that no table knows),
    expectations_failed (rules of the plan not met; they judge the whole dataset, so that the count
    stands at its newest quarter) and volume_outlier (1 more rows than usual, -1 fewer, 0 neither,
    null too few earlier quarters; see `volume_outliers`).

    Args:
        fate: quality.fate.
        repairs: quality.repairs.
        delivery: quality.delivery.
        missing_column: quality.missing_column.
        subject: records.subject.
        record_person: people.record_person.
        datasets: `dataset, agency`.
        collected: `dataset, field` of the core fields that a dataset is asked for; all when not
            given. A field that nobody asked for is not incomplete.
        expectation: quality.expectation, where it is held.
        limits: limits of the plan, the defaults when not given.
    """
    limits = limits or QualityLimits()
    file_quarter = fate.select("dataset", "file", file_quarter="quarter").unique(
        ["dataset", "file"], keep="first", maintain_order=True
    )
    parts = [
        _fates(fate),
        _repaired(repairs, file_quarter),
        _columns_missing(missing_column),
        _lateness(delivery),
        _linked(subject, record_person, file_quarter),
        _complete(subject, file_quarter, CORE_FIELDS, collected),
        _quarantined_by_rule(fate),
        _repaired_by_rule(repairs, file_quarter),
        _unknown_values(repairs, file_quarter),
        _expectations_failed(fate, expectation),
        volume_outliers(fate, limits),
    ]
    frame = (
        pl.concat(parts)
        .join(datasets.select("dataset", "agency"), on="dataset", how="left")
        .with_columns(agency=pl.coalesce("agency", "dataset"))
    )
    return conform(frame.sort(_KEY), PROFILE["data_quality"])


def _measured(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        "dataset", "quarter", "measure", pl.col("value").cast(pl.Float64).alias("value")
    )


def _fates(fate: pl.DataFrame) -> pl.DataFrame:
    by = ["dataset", "quarter"]
    fates = {
        f"rows_{name}": (pl.col("fate") == name).sum()
        for name in ("harmonised", "quarantined", "duplicate", "kept_apart", "superseded")
    }
    wide = fate.group_by(by).agg(rows_received=pl.len(), **fates)
    return _measured(wide.unpivot(index=by, variable_name="measure", value_name="value"))


def _repaired(repairs: pl.DataFrame, file_quarter: pl.DataFrame) -> pl.DataFrame:
    counts = repairs.group_by("dataset", "file").agg(value=pl.len())
    return _measured(
        file_quarter.join(counts, on=["dataset", "file"], how="left")
        .group_by("dataset", quarter="file_quarter")
        .agg(pl.col("value").fill_null(0).sum())
        .with_columns(measure=pl.lit("cells_repaired"))
    )


def _quarantined_by_rule(fate: pl.DataFrame) -> pl.DataFrame:
    return _measured(
        fate.filter(pl.col("fate") == "quarantined")
        .with_columns(pl.col("rule").str.split(", "))
        .explode("rule")
        .drop_nulls("rule")
        .group_by("dataset", "quarter", "rule")
        .agg(value=pl.len())
        .with_columns(measure=pl.format("rows_quarantined:{}", "rule"))
    )


def _repaired_by_rule(repairs: pl.DataFrame, file_quarter: pl.DataFrame) -> pl.DataFrame:
    return _measured(
        repairs.join(file_quarter, on=["dataset", "file"])
        .group_by("dataset", "rule", quarter="file_quarter")
        .agg(value=pl.len())
        .with_columns(measure=pl.format("cells_repaired:{}", "rule"))
    )


def _unknown_values(repairs: pl.DataFrame, file_quarter: pl.DataFrame) -> pl.DataFrame:
    """Count spellings, case and surrounding space apart; files without any have none: 0."""
    spelling = pl.struct("column", pl.col("value").str.strip_chars().str.to_lowercase())
    counts = (
        repairs.filter(pl.col("rule") == "unknown_code")
        .group_by("dataset", "file")
        .agg(spellings=spelling.unique())
    )
    return _measured(
        file_quarter.join(counts, on=["dataset", "file"], how="left")
        .group_by("dataset", quarter="file_quarter")
        .agg(value=pl.col("spellings").explode().drop_nulls().n_unique())
        .with_columns(measure=pl.lit("unknown_values"))
    )


def _expectations_failed(fate: pl.DataFrame, expectation: pl.DataFrame | None) -> pl.DataFrame:
    newest = fate.group_by("dataset").agg(pl.col("quarter").max())
    if expectation is None:
        expectation = pl.DataFrame(schema={"dataset": pl.String, "passed": pl.Boolean})
    return _measured(
        newest.join(
            expectation.group_by("dataset").agg(value=(~pl.col("passed")).sum()), on="dataset"
        ).with_columns(measure=pl.lit("expectations_failed"))
    )


def volume_outliers(fate: pl.DataFrame, limits: QualityLimits) -> pl.DataFrame:
    """Return `dataset, quarter, measure, value`: whether a delivery has an unusual number of rows.

    Measured against the earlier quarters of the same dataset, at least `volume_quarters` of them:
    distance from their median in units of 1.4826 times their median absolute deviation, which for a
    normal spread is one standard deviation (Iglewicz and Hoaglin 1993), but of no less than the
    square root of the median, the spread that chance alone gives a count (Poisson): a few alike
    quarters don't make the next one an outlier. Replaced deliveries don't count.
    """
    rows = (
        fate.filter(pl.col("fate") != "superseded")
        .group_by("dataset", "quarter")
        .agg(rows=pl.len().cast(pl.Float64))
    )
    earlier = (
        rows.join(rows.rename({"quarter": "before", "rows": "had"}), on="dataset")
        .filter(pl.col("before") < pl.col("quarter"))
        .group_by("dataset", "quarter")
        .agg(
            quarters=pl.len(),
            median=pl.col("had").median(),
            deviation=(pl.col("had") - pl.col("had").median()).abs().median(),
        )
        .filter(pl.col("quarters") >= limits.volume_quarters)
    )
    unit = pl.max_horizontal(1.4826 * pl.col("deviation"), pl.col("median").sqrt())
    score = (pl.col("rows") - pl.col("median")) / unit
    outside = pl.when(score.abs() >= limits.volume_limit).then(score.sign()).otherwise(0.0)
    return _measured(
        rows.join(earlier, on=["dataset", "quarter"], how="left").with_columns(
            measure=pl.lit("volume_outlier"),
            value=pl.when(pl.col("median").is_not_null()).then(outside),
        )
    )


def _columns_missing(missing_column: pl.DataFrame) -> pl.DataFrame:
    return _measured(
        missing_column.group_by("dataset", "quarter")
        .agg(value=pl.len())
        .with_columns(measure=pl.lit("columns_missing"))
    )


def _lateness(delivery: pl.DataFrame) -> pl.DataFrame:
    """Return days late of the first file of a quarter that arrived, and whether one did.

    A file's date is when it was last written. Where files of several quarters bear one date they
    were copied together, so that it tells nothing of when they came: lateness is then null.
    """
    together = pl.col("quarter").n_unique().over("dataset", "arrived_on") > 1
    late = (pl.col("arrived_on") - pl.col("due_on")).dt.total_days().clip(lower_bound=0)
    came = pl.col("status").is_in(["loaded", "superseded"]).any()
    # What isn't due yet is not missing.
    awaited = (pl.col("status") == "awaited").all()
    wide = (
        delivery.with_columns(arrived_on=pl.when(~together).then("arrived_on"))
        .group_by("dataset", "quarter")
        .agg(days_late=late.min(), delivered=pl.when(~awaited).then(came))
    )
    carried = (
        delivery.select("dataset", pl.col("carries").str.split(", ").alias("quarter"))
        .explode("quarter")
        .drop_nulls("quarter")
        .unique()
        .join(wide, on=["dataset", "quarter"], how="anti")
        .select("dataset", "quarter", measure=pl.lit("delivered"), value=pl.lit(1))
    )
    own = _measured(
        wide.with_columns(pl.col("delivered").cast(pl.Int64)).unpivot(
            index=["dataset", "quarter"], variable_name="measure", value_name="value"
        )
    )
    return pl.concat([own, _measured(carried)])


def _linked(
    subject: pl.DataFrame, record_person: pl.DataFrame, file_quarter: pl.DataFrame
) -> pl.DataFrame:
    persons = record_person.select(*SUBJECT_KEY, "person_id").with_columns(
        elsewhere=pl.col("dataset").n_unique().over("person_id") > 1
    )
    records = (
        subject.select(SUBJECT_KEY)
        .join(persons, on=SUBJECT_KEY, how="left")
        .join(file_quarter, on=["dataset", "file"], how="inner")
    )
    return _measured(
        records.group_by("dataset", quarter="file_quarter")
        .agg(value=pl.col("elsewhere").fill_null(False).mean() * 100)
        .with_columns(measure=pl.lit("linked_percent"))
    )


def _complete(
    subject: pl.DataFrame,
    file_quarter: pl.DataFrame,
    fields: Sequence[str],
    collected: pl.DataFrame | None,
) -> pl.DataFrame:
    records = subject.filter(is_child(pl.col("role"))).join(
        file_quarter, on=["dataset", "file"], how="inner"
    )
    long = (
        records.group_by("dataset", quarter="file_quarter")
        .agg(pl.col(field).is_not_null().mean() * 100 for field in [*fields, SECTOR])
        .unpivot(index=["dataset", "quarter"], variable_name="field", value_name="value")
    )
    coarse = (
        records.group_by("dataset")
        .agg(coarse=~pl.col(POSTCODE).is_not_null().any() & pl.col(SECTOR).is_not_null().any())
        .filter("coarse")["dataset"]
        .to_list()
    )
    by_sector = pl.col("dataset").is_in(coarse)
    long = long.filter(
        pl.when(pl.col("field") == SECTOR).then(by_sector)
        .when(pl.col("field") == POSTCODE).then(~by_sector)
        .otherwise(pl.lit(True))
    )  # fmt: skip
    if collected is not None:
        asked = pl.col("field").replace({SECTOR: POSTCODE})
        long = long.with_columns(asked=asked).join(
            collected, left_on=["dataset", "asked"], right_on=["dataset", "field"], how="semi"
        )
    return _measured(long.with_columns(measure=pl.format("complete_percent:{}", "field")))
