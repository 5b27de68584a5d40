"""What stands around a suspect's name: nicknames whole, registrations, crimes and premises.

Suspects are known by little, and by names that aren't theirs. A nickname is compared as it stands,
digits and all (`Shadow` and `Shadow1` are two entries of an index), and apart from forenames, so
that it counts once. A vehicle counts by its registration, whole or in part, never by its colour.
"""

import polars as pl

from profile_pipeline import tables
from profile_pipeline.codes.names.load import parts
from profile_pipeline.linkage.names import standardised

# British registrations: from 2001, prefix, suffix, Northern Irish and older; then parts of one.
PLATES = (
    r"\b([A-Z]{2}[0-9]{2} ?[A-Z]{3})\b",
    r"\b([A-Z][0-9]{1,3} ?[A-Z]{3})\b",
    r"\b([A-Z]{3} ?[0-9]{1,3}[A-Z])\b",
    r"\b([A-Z]{2,3} ?[0-9]{3,4})\b",
)
PLATE_PARTS = (r"\b([A-Z]{2}[0-9]{2})\b", r"\b([0-9]{2} ?[A-Z]{3})\b")
_NOTHING = pl.lit([], dtype=tables.TEXTS)
SCHEMA: dict[str, tables.Dtype] = {
    "dataset": pl.String, "file": pl.String, "row": pl.Int64, "cases": tables.TEXTS,
    "premises": tables.TEXTS, "premises_names": tables.TEXTS,
}  # fmt: skip


def circumstances(
    offence: pl.DataFrame, disruption: pl.DataFrame, premises: pl.DataFrame
) -> pl.DataFrame:
    """Return the crimes and premises that rows speak of, columns of SCHEMA.

    Licensed premises of the register are evidence of the linkage. A premises' name alone joins
    nobody, as many are called alike; it is told where two suspects are possibly one.

    Args:
        offence: records.offence, whose own reference is the crime's number.
        disruption: records.disruption, which names the crime it answers.
        premises: `dataset, file, row, premises_id` of rows whose premises are in the register, and
            `premises_name` as written, where it is told.
    """
    row = ("dataset", "file", "row")
    number = pl.col("case").str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]+", "")
    told = pl.concat(
        [
            offence.select(*row, pl.col("reference").alias("case")),
            disruption.select(*row, pl.col("crime_reference").alias("case")),
        ]
    ).select(*row, number.alias("case"))
    if "premises_name" not in premises.columns:
        premises = premises.with_columns(pl.lit(None, dtype=pl.String).alias("premises_name"))
    seen = premises.select(*row, "premises_id", _premises_name().alias("premises_name")).filter(
        pl.any_horizontal(pl.col("premises_id", "premises_name").is_not_null())
    )
    return (
        pl.concat([told.filter(pl.col("case") != ""), seen], how="diagonal")
        .group_by(row)
        .agg(
            pl.col("case").drop_nulls().unique().sort().alias("cases"),
            pl.col("premises_id").drop_nulls().unique().sort().alias("premises"),
            pl.col("premises_name").drop_nulls().unique().sort().alias("premises_names"),
        )
        .select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
        .sort(row)
    )


def suspect_forms(
    identities: pl.DataFrame, of_record: pl.DataFrame, around: pl.DataFrame | None
) -> pl.DataFrame:
    """Return the identities of suspects with what tells them apart; as many rows, same order.

    Adds `aliases` (nicknames whole; a forename too where no surname stands beside it), `cases` and
    `premises`. `vehicle` becomes a registration or a part of one, null where none is told; the
    forename's other forms no longer come from nicknames.

    Args:
        identities: as from `identities.collapse`.
        of_record: which identity each record holds.
        around: columns of SCHEMA; None where nothing is known.
    """
    bare = standardised(
        identities.select("forename", "surname", _NOTHING.alias("other_names"))
    ).select("fore_kin", "fore_kin_all")
    known = pl.DataFrame(schema=SCHEMA) if around is None else around
    of_identity = (
        of_record.join(known, on=["dataset", "file", "row"])
        .group_by("identity")
        .agg(pl.col(name).explode().drop_nulls().unique().sort() for name in ("cases", "premises"))
    )
    lone = pl.when(pl.col("surname").is_null()).then("forename")
    return (
        identities.with_columns(bare.get_columns())
        .join(of_identity, on="identity", how="left", maintain_order="left")
        .with_columns(
            pl.concat_list(
                pl.col("other_names").fill_null(_NOTHING), pl.concat_list(lone).list.drop_nulls()
            ).alias("aliases")
        )
        .with_columns(
            pl.col("aliases").list.eval(_alias()).list.drop_nulls().list.unique().list.sort(),
            pl.col("cases").fill_null(_NOTHING),
            pl.col("premises").fill_null(_NOTHING),
            _registration().alias("vehicle"),
        )
    )


def _premises_name() -> pl.Expr:
    """A premises' name as it is compared: letters and digits in lower case; null a filler."""
    return _compared(pl.col("premises_name"), longer_than=3)


def _alias() -> pl.Expr:
    """A nickname as it is compared: lower case, no accents, letters and digits; null a filler."""
    return _compared(pl.element(), longer_than=1)


def _compared(text: pl.Expr, *, longer_than: int) -> pl.Expr:
    text = text.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    text = text.str.replace_all(r"[^\p{L}\p{N}]+", "")
    filler = [*sorted(parts("placeholder")), "notknown", "nk", "na"]
    return pl.when((text.str.len_chars() > longer_than) & ~text.is_in(filler)).then(text)


def _registration() -> pl.Expr:
    """The first registration in a vehicle's text, without spaces; else a part of one; else null."""
    text = pl.col("vehicle").str.to_uppercase()
    found = pl.coalesce(text.str.extract(pattern) for pattern in (*PLATES, *PLATE_PARTS))
    return found.str.replace_all(" ", "", literal=True)
