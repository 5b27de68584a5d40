"""Collapse records to distinct identities: what is written about a person, once.

Most rows of a quarterly file repeat what earlier rows say. Comparing distinct identities instead of
rows gives the same persons in a fraction of the time and memory.
"""

import hashlib
from collections.abc import Iterable

import polars as pl

from profile_pipeline import tables
from profile_pipeline.linkage.names import standardised

ROW_KEY = ("dataset", "file", "row", "role")
_CONTENT = (
    "forename", "surname", "other_names", "dob", "born_from", "born_to", "sex", "postcode",
    "sector", "district", "postcodes", "nhs", "upn", "local_ids", "address", "vehicle",
    "contacts",
)  # fmt: skip
# Fields that came later: left out where empty, so that persons keep the ids they have.
_LATER = ("contacts",)
# Fields of records.subject that may be empty in every record, or not there at all.
_OPTIONAL = (
    "address", "vehicle", "other_names", "local_ids", "other_postcodes", "contacts", "birth_year",
)  # fmt: skip
# What a row of records.subject owes to its place in a file, and not to what it says.
PLACE = ("file", "row", "record_id")


def nhs_valid(number: pl.Expr) -> pl.Expr:
    """Whether the tenth digit is the modulus-11 check digit (NHS Data Dictionary, NHS NUMBER)."""
    digits = [number.str.slice(place, 1).cast(pl.Int32, strict=False) for place in range(10)]
    rest = 11 - pl.sum_horizontal(d * (10 - n) for n, d in enumerate(digits[:9])) % 11
    check = pl.when(rest == 11).then(0).otherwise(rest)
    return (number.str.len_chars() == 10) & (check == digits[9]) & (check != 10)


def enough(forename: str, surname: str) -> pl.Expr:
    """Whether a record holds enough to be told from others, and so to be linked.

    A number; or both names and an age, date of birth, full postcode, address, e-mail or telephone;
    or a date of birth and a postcode sector, address, e-mail or telephone. `forename` and `surname`
    are the columns to look at.
    """
    number = pl.any_horizontal(
        pl.col("nhs").is_not_null(), pl.col("upn").is_not_null(), pl.col("local_ids").list.len() > 0
    )
    names = pl.col(forename).is_not_null() & (
        pl.col(surname).is_not_null() | pl.col(forename).str.contains(r"\S\s+\S")
    )
    home = (
        (pl.col("postcodes").list.len() > 0)
        | pl.col("address").is_not_null()
        | (pl.col("contacts").list.len() > 0)
    )
    return (
        number
        | (names & (pl.col("born_from").is_not_null() | home))
        | (pl.col("dob").is_not_null() & (pl.col("sector").is_not_null() | home))
    )


def _prepared(subjects: pl.DataFrame) -> pl.DataFrame:
    """Return the subjects with the fields that make an identity, tidied but not altered."""
    for optional in _OPTIONAL:
        # A list column without a single list makes polars 2.1 panic once its rows were reversed.
        if optional not in subjects.columns or subjects[optional].is_null().all():
            kind = tables.PERSON_RECORD.polars_schema[optional]
            nothing: list[str] | None = [] if kind == tables.TEXTS else None
            subjects = subjects.with_columns(pl.lit(nothing, dtype=kind).alias(optional))
    year_only = pl.col("date_of_birth").is_null() & pl.col("birth_year").is_not_null()
    age_only = pl.col("date_of_birth").is_null() & pl.col("age_years").is_not_null() & ~year_only
    age = pl.col("age_years").clip(0, 120).cast(pl.Int64)
    year = pl.concat_str(pl.lit("-"), age.cast(pl.String), pl.lit("y"))
    older = pl.concat_str(pl.lit("-"), (age + 1).cast(pl.String), pl.lit("y"))
    empty = pl.lit([], dtype=pl.List(pl.String))
    ids = pl.element().str.to_uppercase().str.replace_all(r"\s+", "")
    return subjects.with_columns(
        pl.col("forename").str.strip_chars().str.to_lowercase(),
        pl.col("surname").str.strip_chars().str.to_lowercase(),
        pl.col("other_names")
        .fill_null(empty)
        .list.eval(pl.element().str.strip_chars().str.to_lowercase())
        .list.drop_nulls()
        .list.unique()
        .list.sort(),
        pl.col("date_of_birth").dt.strftime("%Y%m%d").alias("dob"),
        pl.when(age_only)
        .then(pl.col("date").dt.offset_by(older).dt.offset_by("1d"))
        .when(year_only)
        .then(pl.date(pl.col("birth_year"), 1, 1))
        .otherwise(pl.col("date_of_birth"))
        .alias("born_from"),
        pl.when(age_only)
        .then(pl.col("date").dt.offset_by(year))
        .when(year_only)
        .then(pl.date(pl.col("birth_year"), 12, 31))
        .otherwise(pl.col("date_of_birth"))
        .alias("born_to"),
        # All homes that the record tells of, the present one included.
        pl.concat_list(pl.col("other_postcodes").fill_null(empty), "postcode")
        .list.drop_nulls()
        .list.unique()
        .list.sort()
        .alias("postcodes"),
        pl.col("postcode_sector").alias("sector"),
        pl.col("postcode_district").alias("district"),
        pl.col("nhs_number").str.replace_all(r"\D", "").alias("nhs"),
        pl.col("upn").str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "").alias("upn"),
        pl.col("local_ids")
        .fill_null(empty)
        .list.eval(ids)
        .list.drop_nulls()
        .list.unique()
        .list.sort(),
        pl.col("contacts").fill_null(empty).list.drop_nulls().list.unique().list.sort(),
        pl.col("address")
        .str.to_lowercase()
        .str.replace_all(r"[^\p{L}\p{N}]+", " ")
        .str.strip_chars(),
        pl.col("vehicle").str.strip_chars().str.to_lowercase(),
    ).with_columns(
        pl.when(pl.col(name).str.len_chars() > 0).then(pl.col(name)).alias(name)
        for name in ("forename", "surname", "nhs", "upn", "address", "vehicle")
    )


def said(subjects: pl.DataFrame) -> pl.Series:
    """Return all that each row says, as text: its place in a file is no part of it."""
    told = [name for name in sorted(subjects.columns) if name not in PLACE]
    return subjects.select(_as_text(subjects.schema, told).alias("said")).to_series()


def _as_text(schema: pl.Schema, names: Iterable[str]) -> pl.Expr:
    """Return the columns as one text."""
    return pl.concat_str(
        [
            (
                pl.col(name).cast(tables.TEXTS).list.join("\x1f")
                if isinstance(schema[name], pl.List)
                else pl.col(name).cast(pl.String)
            ).fill_null("\x00")
            for name in names
        ],
        separator="\x1e",
    )


def collapse(
    subjects: pl.DataFrame, key: bytes, around: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return distinct identities, and which identity each record holds.

    `subjects` meets records.subject. The first frame has `identity` (keyed BLAKE2b of the content,
    so that it can't be guessed from a name and date of birth), the compared fields, `records`,
    `datasets` (counts) and `in_datasets` (ids); it is sorted by `identity`. The second has
    `dataset, file, row, role, record_id, identity`. No place in a file is part of an identity:
    records that hold too little to be linked stay apart by all that they say and the crimes their
    rows speak of (`around`, as from `circumstances`), and those that say the very same by their
    number among these.
    """
    prepared = _prepared(subjects).with_row_index("place")
    bare = ~prepared.select(enough("forename", "surname").fill_null(False)).to_series()
    apart = pl.DataFrame([prepared["place"].filter(bare), _apart(subjects.filter(bare), around)])
    prepared = prepared.join(apart, on="place", how="left", maintain_order="left")
    text = _as_text(prepared.schema, (name for name in _CONTENT if name not in _LATER))
    for name in _LATER:
        added = pl.concat_str(text, pl.lit("\x1e"), pl.col(name).list.join("\x1f"))
        text = pl.when(pl.col(name).list.len() > 0).then(added).otherwise(text)
    # What many people share is no identity: such records stay apart, each by itself.
    prepared = prepared.with_columns(
        pl.when(~bare)
        .then(text)
        .otherwise(pl.concat_str(text, "apart", separator="\x1d"))
        .alias("content")
    )
    distinct = prepared.group_by("content").agg(
        *(pl.col(name).first() for name in _CONTENT),
        pl.len().alias("records"),
        pl.col("dataset").n_unique().alias("datasets"),
        pl.col("dataset").unique().sort().alias("in_datasets"),
    )
    salt = hashlib.blake2b(key, digest_size=32).digest()
    hashes = [
        hashlib.blake2b(content.encode(), key=salt, digest_size=16).hexdigest()
        for content in distinct["content"]
    ]
    distinct = distinct.with_columns(pl.Series("identity", hashes, dtype=pl.String)).sort(
        "identity"
    )
    of_record = (
        prepared.select(*ROW_KEY, "record_id", "content")
        .join(distinct.select("content", "identity"), on="content", maintain_order="left")
        .drop("content")
    )
    names = ("forename", "surname", "other_names")
    forms = standardised(distinct.select(names).unique(maintain_order=True))
    identities = (
        distinct.drop("content")
        .join(forms, on=names, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            pl.col("local_ids").list.eval(pl.element().str.extract(r"^([^:]*):")).alias("issuers"),
            nhs_valid(pl.col("nhs")).alias("nhs_valid"),
            pl.col("dob").str.ends_with("0101").fill_null(False).alias("dob_default"),
            pl.concat_str(
                pl.col("dob").str.slice(0, 4),
                pl.col("dob").str.slice(6, 2),
                pl.col("dob").str.slice(4, 2),
            ).alias("dob_swapped"),
        )
        .with_columns(
            # A number that fails its check digit is kept as evidence of its near neighbours only.
            pl.when(pl.col("nhs_valid")).then(pl.col("nhs")).alias("nhs_sure"),
        )
    )
    return identities, of_record


def _apart(bare: pl.DataFrame, around: pl.DataFrame | None) -> pl.Series:
    """Return a text that no other row has, from what the row says rather than where it stands."""
    row = ("dataset", "file", "row")
    whole = bare.select(*ROW_KEY, said(bare), pl.lit("").alias("beside")).with_row_index("place")
    if around is not None:
        cases, beside = (
            pl.concat_str([pl.col(name).list.join("\x1f") for name in names], separator="\x1e")
            for names in (["cases"], ["cases", "premises"])
        )
        whole = (
            whole.drop("beside")
            .join(
                around.select(*row, cases.alias("case"), beside.alias("beside")),
                on=row,
                how="left",
                maintain_order="left",
            )
            # A register of premises may be mended; a crime's number stays.
            .with_columns(pl.concat_str("said", pl.col("case").fill_null("")).alias("said"))
        )
    numbered = whole.sort("beside", *ROW_KEY).with_columns(
        pl.int_range(pl.len()).over("said").cast(pl.String).alias("number")
    )
    return (
        numbered.sort("place")
        .select(pl.concat_str("said", "number", separator="\x1d").alias("apart"))
        .to_series()
    )
