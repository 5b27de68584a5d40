"""What became of identities that a corrected file has changed, so that persons keep their ids.

An identity's id is a hash of what its records say, so a mended name makes another. Where each stood
in the last run, and keyed marks of what it said, are kept in `review/identity_places.csv`: no name,
date or number is in it. Nothing here joins anybody: it says who keeps an id, and no more.
"""

import hashlib

import polars as pl

FILE = "identity_places.csv"
FIELDS = ("forename", "surname", "dob", "sex", "postcode", "sector", "nhs", "upn")
PLACE = ("role", "dataset", "quarter", "row")
SCHEMA: dict[str, type[pl.DataType]] = {
    "identity": pl.String,
    "person_id": pl.String,
    "role": pl.String,
    "dataset": pl.String,
    "quarter": pl.String,
    "row": pl.Int64,
    "local_ids": pl.String,
    **dict.fromkeys(FIELDS, pl.String),
}  # fmt: skip
ALIKE = 2  # fields that must agree, and twice as many as differ


def _marks(values: pl.Series, key: bytes, kind: str) -> pl.DataFrame:
    """Return `value, mark` of the distinct values: keyed hashes, so that none can be guessed."""
    distinct = values.drop_nulls().unique()
    marks = [
        hashlib.blake2b(f"{kind}\x1f{value}".encode(), key=key, digest_size=8).hexdigest()
        for value in distinct
    ]
    return pl.DataFrame({"value": distinct, "mark": marks}, schema=dict.fromkeys(
        ("value", "mark"), pl.String))  # fmt: skip


def places(
    identities: pl.DataFrame,
    of_record: pl.DataFrame,
    quarters: pl.DataFrame,
    ids: pl.DataFrame,
    key: bytes,
) -> pl.DataFrame:
    """Return where each identity stands first, and marks of what it says: columns of SCHEMA.

    Args:
        identities: as from `identities.collapse`.
        of_record: its second frame.
        quarters: `record_id, quarter` of the records.
        ids: `identity, person_id`; `person_id` is null where it has none yet.
        key: key of the identity hashes.
    """
    stood = (
        of_record.join(quarters.select("record_id", "quarter"), on="record_id", how="left")
        .sort("dataset", "quarter", "row", "file")
        .unique("identity", keep="first", maintain_order=True)
        .select("identity", *PLACE)
    )
    told = identities.select("identity", "local_ids", *FIELDS).with_columns(
        # A full postcode speaks for its sector too.
        pl.when(pl.col("postcode").is_null()).then("sector").alias("sector")
    )
    for name in FIELDS:
        marks = _marks(told[name], key, name).rename({"value": name})
        told = (
            told.join(marks, on=name, how="left", maintain_order="left")
            .drop(name)
            .rename({"mark": name})
        )
    numbers = told.select("identity", pl.col("local_ids").alias("value")).explode("value")
    marks = _marks(numbers["value"], key, "local_id")
    of_identity = (
        numbers.join(marks, on="value")
        .group_by("identity")
        .agg(pl.col("mark").sort().str.join(" ").alias("local_ids"))
    )
    return (
        stood.join(told.drop("local_ids"), on="identity")
        .join(of_identity, on="identity", how="left")
        .join(ids, on="identity", how="left")
        .select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
        .sort("identity")
    )


def carried(before: pl.DataFrame, now: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Return `identity, became`: identities of the last run that a corrected file made others.

    Only those count that are in no file any more, and only what nobody had said before can be what
    became of them. It is of the same dataset and has the same local id, or stands in the same row
    of the same quarter's file; at least ALIKE fields agree, twice as many as differ (as many, with
    the local id); and not both names differ. Of several the one most alike; where two are equally
    so, none, as an id must not go to another child.

    Args:
        before: columns of SCHEMA, of the last run.
        now: the same of this run.
        known: identities that the registry has had.
    """
    gone = before.join(now, on="identity", how="anti")
    fresh = now.filter(~pl.col("identity").is_in(known.implode())).rename(
        {name: f"{name}_now" for name in ("identity", "local_ids", "quarter", "row", *FIELDS)}
    )
    by_place = gone.join(
        fresh,
        left_on=PLACE,
        right_on=("role", "dataset", "quarter_now", "row_now"),
    ).select("identity", pl.col("identity_now").alias("became"))
    by_number = (
        _numbers(gone, "identity", "local_ids")
        .join(_numbers(fresh, "identity_now", "local_ids_now"), on=["role", "dataset", "number"])
        .select("identity", pl.col("identity_now").alias("became"))
    )
    both = (
        pl.concat([by_place.with_columns(held=pl.lit(1)), by_number.with_columns(held=pl.lit(2))])
        .group_by("identity", "became")
        .agg(pl.col("held").sum())
        .join(gone.select("identity", *FIELDS), on="identity")
        .join(
            fresh.select(pl.col("identity_now").alias("became"), *(f"{f}_now" for f in FIELDS)),
            on="became",
        )
    )
    agree = pl.sum_horizontal((pl.col(f) == pl.col(f"{f}_now")).fill_null(False) for f in FIELDS)
    differ = pl.sum_horizontal((pl.col(f) != pl.col(f"{f}_now")).fill_null(False) for f in FIELDS)
    alike = (
        both.with_columns(agree.alias("agree"), differ.alias("differ"))
        .filter(
            pl.col("agree") >= ALIKE,
            pl.col("agree") >= pl.when(pl.col("held") > 1).then(1).otherwise(2) * pl.col("differ"),
            ~pl.all_horizontal(
                (pl.col(name) != pl.col(f"{name}_now")).fill_null(False)
                for name in ("forename", "surname")
            ),
        )
        .with_columns((10 * (pl.col("agree") - pl.col("differ")) + pl.col("held")).alias("fit"))
    )
    best = [
        (pl.col("fit") == pl.col("fit").max().over(side))
        & ((pl.col("fit") == pl.col("fit").max().over(side)).sum().over(side) == 1)
        for side in ("identity", "became")
    ]
    return alike.filter(*best).select("identity", "became").sort("identity")


def _numbers(frame: pl.DataFrame, identity: str, column: str) -> pl.DataFrame:
    """Return `identity, role, dataset, number`: each local id of each identity."""
    return (
        frame.select(identity, "role", "dataset", pl.col(column).str.split(" ").alias("number"))
        .explode("number")
        .drop_nulls("number")
    )


def gone_and_back(before: pl.DataFrame, now: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
    """Return the persons none of whose records is left, and those who are there again.

    Columns as `registry.CHANGE_SCHEMA`: `change` is gone or back; who is gone has no new id.

    Args:
        before: columns of SCHEMA, of the last run; nothing is told of a first run.
        now: the same of this run, with persons.
        registry: the registry before this run.
    """
    counted = [
        one.join(other, on="person_id", how="anti").group_by("person_id").agg(
            pl.len().cast(pl.Int64).alias("identities")
        )
        for one, other in ((before, now), (now if before.height else now.clear(), before))
    ]  # fmt: skip
    gone, back = counted[0], counted[1].join(registry, on="person_id", how="semi")
    return pl.concat(
        frame.select(
            pl.lit(word).alias("change"),
            pl.col("person_id").alias("old_person_id"),
            pl.when(pl.lit(word == "back")).then("person_id").alias("new_person_id"),
            "identities",
        ).sort("old_person_id")
        for frame, word in ((gone, "gone"), (back, "back"))
    )
