"""Gaps of records: what came and leaves fields empty, can't be understood or can't be used."""

import polars as pl

from profile_pipeline.analysis.counting import quarters_ended
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gap_rows import CSE_TEAM, Rule, above_limit, none, one
from profile_pipeline.analysis.quality import FIELDS
from profile_pipeline.marks import cell, number, sentence, share, share_of, total
from profile_pipeline.quarters import last_day
from profile_pipeline.tables import (
    EXPECTATION,
    LEVEL_SCHEMES,
    MEASURES,
    PERSON_RECORD,
    PROFILE,
    UNKNOWN_VALUE,
    is_child,
)

# Rows that can't be used, in percent of those received. No source found: a working limit.
QUARANTINE_PERCENT = 5.0

GRADES = ("1", "2", "3", "4", "5")

# Fields that are told over the whole period, not of the newest delivery alone.
CORE = ("ethnicity_code", "sex", "date_of_birth")
# Fields as people call them within a sentence.
CALLED = {
    **{
        field: field.replace("_", " ")
        for table in (PERSON_RECORD, *MEASURES.values())
        for field in table.polars_schema
    },
    **{field: words[:1].lower() + words[1:] for field, words in FIELDS.items()},
    "nhs_number": "NHS number",
    "upn": "pupil number",
}


def not_recorded_fields(evidence: Evidence) -> pl.DataFrame:
    """Ethnic group, sex or date of birth not recorded for too many children of a dataset.

    A dataset that never gives a field isn't asked for it and is left out.
    """
    limit = evidence.settings.gaps.not_recorded_percent
    counts = (
        evidence.named(
            evidence.table(PERSON_RECORD)
            .filter(is_child(pl.col("role")))
            .group_by("dataset")
            .agg(pl.len().alias("records"), pl.col(*CORE).null_count())
        )
        .unpivot(
            on=list(CORE),
            index=["dataset", "agency", "title", "records"],
            variable_name="field",
            value_name="unknown",
        )
        .filter(
            pl.col("unknown") < pl.col("records"),
            pl.col("unknown") / pl.col("records") * 100 > limit,
        )
    )
    words = pl.col("field").replace_strict(FIELDS)
    priority = pl.when(pl.col("field") == "ethnicity_code").then(pl.lit("high"))
    return counts.select(
        "agency",
        theme=pl.lit("data quality"),
        finding=sentence(
            words,
            " is not recorded in ",
            share(pl.col("unknown"), pl.col("records")),
            " of ",
            pl.col("title"),
            "; nothing about it can be told from these records.",
        ),
        evidence=sentence(
            number(pl.col("unknown")),
            " of ",
            number(pl.col("records")),
            f" records; the limit is {limit:g}% (records.subject, ",
            pl.col("dataset"),
            ").",
        ),
        question=sentence(
            "Can you supply what is missing in '",
            pl.col("title"),
            "', and why is it not asked for or not passed on?",
        ),
        priority=priority.otherwise(pl.lit("medium")),
    )


def incomplete_fields(evidence: Evidence) -> pl.DataFrame:
    """A core field that the newest delivery lacks too often (`quality:` in the plan).

    Ethnic group, sex and date of birth are told by `not_recorded_fields` over the whole period.
    """
    limits = evidence.settings.quality
    quality = evidence.table(PROFILE["data_quality"])
    newest = (
        quality.filter(pl.col("measure") == "rows_received", pl.col("value") > 0)
        .group_by("dataset")
        .agg(pl.col("quarter").max())
    )
    red = {name: limit.red for name, limit in limits.incomplete_by_field.items()}
    lacking = (
        quality.join(newest, on=["dataset", "quarter"])
        .filter(pl.col("measure").str.starts_with("complete_percent:"))
        .with_columns(field=pl.col("measure").str.split(":").list.last())
        .with_columns(
            limit=pl.col("field").replace_strict(
                red, default=limits.incomplete_percent.red, return_dtype=pl.Float64
            )
        )
        .filter(
            ~pl.col("field").is_in(CORE),
            100 - pl.col("value") >= pl.col("limit"),
            # A field that never comes is a column the agency doesn't hold: told as missing.
            pl.col("value") > 0,
        )
    )
    called = pl.col("field").replace_strict(CALLED, default=pl.col("field"))
    return evidence.named(lacking).select(
        "agency",
        theme=pl.lit("data quality"),
        finding=sentence(
            "The ",
            called,
            " is not given often enough in the newest delivery of ",
            pl.col("title"),
            " (",
            pl.col("quarter"),
            ").",
        ),
        evidence=sentence(
            pl.col("limit").cast(pl.Int64),
            "% of records without it is the limit (data_quality, ",
            pl.col("dataset"),
            ").",
        ),
        question=sentence(
            "Can '", pl.col("title"), "' give the ", called,
            " of every child?",
        ),
        priority=pl.lit("medium"),
    )  # fmt: skip


def open_rows(evidence: Evidence) -> pl.DataFrame:
    """Return the tracker's rows of children who were open, by the plan's rule, without the rest."""
    return evidence.table(MEASURES["cse_tracker"]).filter(
        pl.col("status").is_in(evidence.settings.tracker.open_statuses)
    )


def no_type_of_exploitation(evidence: Evidence) -> pl.DataFrame:
    """The tracker rarely says what type of exploitation it is (IICSA: a third of reports).

    Of all rows of children open and at risk in the period; `open_children_unknowns` tells the same
    of the children open now.
    """
    limit = evidence.settings.gaps.no_type_percent
    counts = (
        open_rows(evidence)
        .filter(pl.col("risk_level").is_in(evidence.settings.tracker.at_risk_levels))
        .group_by("dataset")
        .agg(rows=pl.len(), unknown=pl.col("model").null_count())
    )
    return above_limit(
        evidence.named(counts),
        "unknown",
        "rows",
        limit,
        theme="data quality",
        finding=sentence(
            " of the rows of open children in ",
            pl.col("title"),
            " give no type (model) of exploitation.",
        ),
        evidence=f" rows; the limit is {limit:g}% (records.cse_tracker).",
        question=sentence("Can the model of exploitation be recorded in '", pl.col("title"), "'?"),
        priority="high",
    )


def ungraded_reports(evidence: Evidence) -> pl.DataFrame:
    """Information reports with a grade from 1 to 5 neither for reliability nor for accuracy.

    "Don't know" is an answer, and kept as one, but it grades nothing.
    """
    limit = evidence.settings.gaps.ungraded_percent
    reliable = pl.col("reliability").is_in(GRADES).fill_null(False)
    accurate = pl.col("accuracy").is_in(GRADES).fill_null(False)
    counts = (
        evidence.table(MEASURES["information_report"])
        .group_by("dataset")
        .agg(
            reports=pl.len(),
            ungraded=(~reliable & ~accurate).sum(),
            one=(reliable != accurate).sum(),
        )
    )
    return above_limit(
        evidence.named(counts),
        "ungraded",
        "reports",
        limit,
        theme="data quality",
        finding=" of information reports are graded neither for reliability nor for accuracy "
        '("don\'t know" counts as no grade).',
        evidence=sentence(
            " reports have neither grade, ",
            number(pl.col("one")),
            f" one only; the limit is {limit:g}% (records.information_report).",
        ),
        question="Can the reporters grade these reports, and will forms be returned ungraded?",
        priority="medium",
    )


def levels_changed(evidence: Evidence) -> pl.DataFrame:
    """Risk levels that changed within the period: what came before and after isn't one series."""
    settings = evidence.settings
    rows = [
        one(
            "data quality",
            f"Risk levels changed on {change.first_day:%d.%m.%Y}: counts by level before and after"
            " are not one series.",
            f"{change.why} (tracker in profile.yaml). "
            + (
                "Later levels are counted by the crosswalk of the plan."
                if change.crosswalk
                else "Later levels are counted as they are written."
            ),
            CSE_TEAM,
            "Can the children open on that day be graded by both schemes?",
            "medium",
        )
        for change in settings.tracker.level_changes
        if settings.period.start < change.first_day <= settings.as_at
    ]
    return pl.concat(rows) if rows else none()


def levels_unexplained(evidence: Evidence) -> pl.DataFrame:
    """Open children whose level is of a scheme that the plan doesn't know of: a break of its own.

    They are counted at the level as written.
    """
    rule = evidence.settings.tracker
    ended = quarters_ended(evidence.settings)
    strange = pl.DataFrame(
        [(q, level) for q in ended for level in rule.unexplained_on(last_day(q))],
        schema={"quarter": pl.String, "risk_level": pl.String},
        orient="row",
    )
    found = open_rows(evidence).join(strange, on=["quarter", "risk_level"], how="semi")
    order = [level for scheme in LEVEL_SCHEMES for level in scheme]
    return evidence.named(
        found.group_by("dataset").agg(
            pl.col("quarter").unique().sort().str.join(", "),
            pl.col("risk_level").unique().sort_by(
                pl.col("risk_level").unique().replace_strict(order, range(len(order)))
            ).str.replace_all("_", " ").str.join(", "),
        )
    ).select(
        "agency",
        "dataset",
        theme=pl.lit("data quality"),
        finding=sentence(
            "Break in the series: the risk levels of ", pl.col("title"), " in ",
            pl.col("quarter"), " (", pl.col("risk_level"), ") are not those of the plan, and no"
            " crosswalk says what they mean.",
        ),
        evidence=sentence(
            "Open children with such a level are counted as open, at the level as written"
            " (records.cse_tracker); `tracker: level_changes` in profile.yaml names none of these"
            " levels then."
        ),
        question=sentence(
            "When did the levels in '", pl.col("title"), "' change, and which earlier level does"
            " each of them stand for?"
        ),
        priority=pl.lit("high"),
    )  # fmt: skip


def unknown_values(evidence: Evidence) -> pl.DataFrame:
    """Spellings that no code list knows, by dataset and column; never the spellings themselves."""
    return evidence.named(
        evidence.table(UNKNOWN_VALUE)
        .group_by("dataset", "column", "codes")
        .agg(spellings=pl.len(), rows=pl.col("rows").sum())
    ).select(
        "agency",
        theme=pl.lit("data quality"),
        finding=sentence(
            "Column '",
            pl.col("column"),
            "' of ",
            pl.col("title"),
            " holds ",
            pl.when(pl.col("spellings") == 1)
            .then(pl.lit("a spelling"))
            .otherwise(pl.format("{} spellings", "spellings")),
            " that the list '",
            pl.col("codes").str.replace_all("_", " "),
            "' doesn't know.",
        ),
        evidence=sentence(
            "Rows that count as not recorded for it: ",
            number(pl.col("rows")),
            " (quality.unknown_value, codes: ",
            pl.col("codes"),
            ").",
        ),
        question=sentence("What do these values of '", pl.col("column"), "' mean?"),
        priority=pl.lit("low"),
    )


def unmet_expectations(evidence: Evidence) -> pl.DataFrame:
    """A dataset that doesn't meet what the plan expects of it as a whole.

    A field of ours that the expectation begins with is put in words; a column as sent stays as the
    agency heads it.
    """
    first = pl.col("description").str.extract(r"^(\w*)")
    expected = first.replace_strict(CALLED, default=first) + pl.col("description").str.slice(
        first.str.len_chars()
    )
    return evidence.named(
        evidence.table(EXPECTATION).filter(~pl.col("passed"), pl.col("level") == "dataset")
    ).select(
        "agency",
        theme=pl.lit("data quality"),
        finding=sentence(pl.col("title"), " does not meet: ", expected, "."),
        evidence=sentence(
            "Rows that fail: ",
            number(pl.col("failed")),
            " of ",
            number(pl.col("checked")),
            " (quality.expectation, ",
            pl.col("dataset"),
            ").",
        ),
        question=sentence("Why, and can '", pl.col("title"), "' be completed?"),
        priority=pl.when(pl.col("severity") == "critical")
        .then(pl.lit("high"))
        .otherwise(pl.lit("medium")),
    )


def quarantined_share(evidence: Evidence) -> pl.DataFrame:
    """Too many rows of a dataset that could not be used."""
    out, received = (pl.col("measure") == f"rows_{fate}" for fate in ("quarantined", "received"))
    figure = cell(
        "data_quality", pl.col("dataset"), pl.col("quarter"), pl.col("measure"), column="value"
    )
    counts = (
        evidence.table(PROFILE["data_quality"])
        .filter(out | received)
        .group_by("dataset", maintain_order=True)
        .agg(
            rows=pl.col("value").filter(received).sum(),
            out=pl.col("value").filter(out).sum(),
            all_rows=total(figure.filter(received)),
            all_out=total(figure.filter(out)),
        )
    )
    return (
        evidence.named(counts)
        .filter(pl.col("out") / pl.col("rows") * 100 > QUARANTINE_PERCENT)
        .select(
            "agency",
            theme=pl.lit("data quality"),
            finding=sentence(
                share_of(pl.col("all_out"), pl.col("all_rows")),
                " of the rows of ",
                pl.col("title"),
                " could not be used.",
            ),
            evidence=sentence(
                pl.col("all_out"),
                " of ",
                pl.col("all_rows"),
                " rows quarantined (quality.quarantine, ",
                pl.col("dataset"),
                ", gives file, row and rule).",
            ),
            question=sentence(
                "Can you correct the quarantined rows of '",
                pl.col("title"),
                "' and send them again?",
            ),
            priority=pl.lit("medium"),
        )
    )


RULES: tuple[Rule, ...] = (
    not_recorded_fields,
    incomplete_fields,
    no_type_of_exploitation,
    ungraded_reports,
    levels_changed,
    levels_unexplained,
    unknown_values,
    unmet_expectations,
    quarantined_share,
)
