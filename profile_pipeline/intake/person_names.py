"""A person's name out of one cell: surname, forename, other names, without titles and stopgaps.

What is written decides, not what a name sounds like: a comma, words in capitals, `aka`, `née`,
brackets and quotation marks. `Unknown`, `Baby` or `Unborn` in a name's place is no name: it would
make strangers alike. Apostrophes, hyphens, particles and accents stay as written.
"""

import polars as pl

from profile_pipeline.codes.lookup import fold_expr
from profile_pipeline.codes.names.load import parts

TITLES = r"(?i:mr|mrs|miss|ms|mx|master|mstr|dr|rev|sir)\.?"
# `nee` with a capital is a name of its own.
AKA = (
    r"(?:(?i:a\.?k\.?a\.?|alias|also known as|known as|formerly|previously|prev\.?)"
    r"|née|Née|NÉE|nee|NEE)"
)
# What brackets hold beside other names: remarks about the child.
REMARK = (
    r"(?i)^(mr|mrs|miss|ms|mx|master|dr|j(?:un)?io?r|jnr|jr|s(?:en)?io?r|snr|sr|deceased|died.*|rip"
    r"|male|female|m|f|boy|girl|child.*|baby|unborn|twin.*|sibling.*|brother.*|sister.*|half.*|step.*"
    r"|son.*|daughter.*|foster.*|adopted|adoptive.*|lac|cla|cin|cp|cpp|dob.*|see .*|not .*|no .*"
    r"|same .*|duplicate.*|\W*|.*\d.*)$"
)
QUOTED = r"(?:^|\s)[\"“‘'](\p{L}[\p{L} .-]*\p{L})[\"”’'](?:[\s,]|$)"
PARTICLES = (
    r"(?:(?i:van|von|der|den|de|da|di|do|dos|das|du|del|la|le|el|al|bin|bint|ibn|ter|ten)\s+)*"
)
CAPITALS = r"(?:\p{Lu}[\p{Lu}'’.-]*\p{Lu}\.?)(?:[\s-]+\p{Lu}[\p{Lu}'’.-]*\p{Lu})*"
GIVEN = r"\p{Lu}[^\s,]*\p{Ll}[^,]*"


def clean(text: pl.Expr) -> pl.Expr:
    """Return text without surplus space; blank is null."""
    return text.str.replace_all(r"\s+", " ").str.strip_chars().replace("", None)


def whole_name(known: pl.Expr, order: str, unknown: tuple[str, ...]) -> list[pl.Expr]:
    """Return `surname`, `forename`, `alias` and `stopgap` (a part that is no name) of full names.

    `order` is the plan's for names without a comma, `SURNAME, Forename` or `Forename Surname`.
    Where some words stand in capitals and others don't, those in capitals are the surname, and a
    title comes before a forename.
    """
    bare, alias = _without_other_names(known.str.replace_all(";", ","))
    before, after = bare.str.extract(r"^([^,]*),", 1), bare.str.extract(r",(.*)$", 1)
    comma = bare.str.contains(",", literal=True)
    untitled = _untitled(bare)
    titled = bare.str.contains(rf"^{TITLES}\s+\S")
    first = untitled.str.extract(r"^(.*?)\s+\S+$", 1)
    last = untitled.str.extract(r"(\S+)$", 1)
    surname_first = rf"^({PARTICLES}{CAPITALS})\s+({GIVEN})$"
    surname_last = rf"^({GIVEN}?)\s+({PARTICLES}{CAPITALS})$"
    surname: pl.Expr
    forename: pl.Expr
    if order == "SURNAME, Forename":
        surname = pl.when(titled & first.is_not_null()).then(last).otherwise(untitled)
        forename = pl.when(titled).then(first)
    else:
        surname = pl.when(first.is_not_null()).then(last)
        forename = pl.coalesce(first, untitled)
    by_case = [
        (untitled.str.extract(surname_first, 1), untitled.str.extract(surname_first, 2)),
        (untitled.str.extract(surname_last, 2), untitled.str.extract(surname_last, 1)),
    ]
    surname = pl.coalesce(*(s for s, _ in by_case), surname)
    forename = pl.coalesce(*(f for _, f in by_case), forename)
    surname = _trimmed(pl.when(comma).then(_untitled(before)).otherwise(surname))
    forename = _trimmed(pl.when(comma).then(_untitled(after)).otherwise(forename))
    whole = _is_stopgap(untitled, unknown)
    none = [whole | _is_stopgap(part, unknown) for part in (surname, forename)]
    return [
        pl.when(~none[0]).then(surname).alias("surname"),
        pl.when(~none[1]).then(forename).alias("forename"),
        alias.alias("alias"),
        (none[0] | none[1]).alias("stopgap"),
    ]


def name_part(known: pl.Expr, unknown: tuple[str, ...]) -> list[pl.Expr]:
    """Return `value`, `alias` and `stopgap` of a column that holds forenames or surnames alone."""
    bare, alias = _without_other_names(known)
    value = _trimmed(_untitled(bare))
    none = _is_stopgap(value, unknown)
    return [
        pl.when(~none).then(value).alias("value"),
        alias.alias("alias"),
        none.alias("stopgap"),
    ]


def _without_other_names(known: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return names without what stands in brackets, after `aka` and between quotes; and that."""
    bracket = known.str.extract(rf"[\(\[]\s*(?:{AKA}\b)?:?\s*(.+?)\s*[\)\]]", 1)
    bracket = pl.when(~bracket.str.contains(REMARK)).then(bracket)
    bare = known.str.replace_all(r"\s*[\(\[].*?[\)\]]", "")
    said = rf"[\s-]+{AKA}:?\s+([^,]+?)\s*(,|$)"
    after = bare.str.extract(said, 1)
    bare = bare.str.replace(said, "${2}")
    quoted = bare.str.extract(QUOTED, 1)
    bare = pl.when(quoted.is_not_null()).then(bare.str.replace(QUOTED, " ")).otherwise(bare)
    return bare, clean(pl.coalesce(bracket, after, quoted))


def _untitled(name: pl.Expr) -> pl.Expr:
    return clean(name.str.replace(rf"^\s*{TITLES}\s+(\S)", "${1}")).str.replace(
        rf"(\S)\s+{TITLES}$", "${1}"
    )


def _trimmed(name: pl.Expr) -> pl.Expr:
    """Return a name without stray punctuation at its ends, blank as null."""
    return clean(name.str.replace_all(r"^[\s,;:/–-]+|[\s,;:/–-]+$", ""))


def _is_stopgap(name: pl.Expr, unknown: tuple[str, ...]) -> pl.Expr:
    """Whether a part of a name stands for none: `Unknown`, `Baby`, `Unknown male`."""
    words = sorted(parts("placeholder") | {"male", "female", "child", "person", "not", "named"})
    alone = sorted(parts("placeholder") | {"unnamed", "redacted", "restricted", "no name"})
    folded = fold_expr(name)
    of_such = folded.str.split(" ").list.eval(pl.element().is_in(words)).list.all()
    begins = folded.str.contains(rf"^({'|'.join(sorted(parts('placeholder')))})\b")
    return (folded.is_in([*unknown, *alone]) | (begins & of_such)).fill_null(value=False)
