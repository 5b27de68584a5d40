"""How agencies write sex and ethnic group: from the true codes to each agency's own."""

import numpy as np
import polars as pl
from numpy.random import Generator

NHS = {
    "WBRI": "A", "WIRI": "B", "WIRT": "C", "WROM": "C", "WOTH": "C", "MWBC": "D", "MWBA": "E",
    "MWAS": "F",
    "MOTH": "G", "AIND": "H", "APKN": "J", "ABAN": "K", "AOTH": "L", "BCRB": "M", "BAFR": "N",
    "BOTH": "P",
    "CHNE": "R", "OOTH": "S", "": "Z",
}  # fmt: skip
POLICE = {
    "WBRI": "W1", "WIRI": "W2", "WIRT": "W9", "WROM": "W9", "WOTH": "W9", "MWBC": "M1",
    "MWBA": "M2",
    "MWAS": "M3", "MOTH": "M9", "AIND": "A1", "APKN": "A2", "ABAN": "A3", "AOTH": "A9",
    "BCRB": "B1",
    "BAFR": "B2", "BOTH": "B9", "CHNE": "O1", "OOTH": "O9", "": "NS",
}  # fmt: skip
TEXT = {
    "WBRI": "White British", "WIRI": "White Irish", "WIRT": "Traveller of Irish heritage",
    "WROM": "Gypsy/Roma", "WOTH": "Any other White background",
    "MWBC": "White and Black Caribbean", "MWBA": "White and Black African",
    "MWAS": "White and Asian",
    "MOTH": "Any other mixed background", "AIND": "Indian", "APKN": "Pakistani",
    "ABAN": "Bangladeshi",
    "AOTH": "Any other Asian background", "BCRB": "Black Caribbean", "BAFR": "Black African",
    "BOTH": "Any other Black background", "CHNE": "Chinese", "OOTH": "Any other ethnic group",
    "": "Not known",
}  # fmt: skip
LOOSE = {
    "WBRI": ("white british", "W/B", "British", "White Brit"), "WOTH": ("Polish", "White other"),
    "APKN": ("Pakistani", "British Pakistani", "Asian - Pakistani"), "AIND": ("Indian",),
    "WROM": ("Roma", "Gypsy/Roma"), "MWBC": ("mixed", "White and Black Caribbean"),
    "BAFR": ("Black African", "African"), "": ("?", "n/k", ""),
}  # fmt: skip


def coded(codes: pl.Series, style: dict[str, str]) -> pl.Series:
    """Return DfE codes in an agency's style."""
    return codes.replace_strict(list(style), list(style.values()), return_dtype=pl.String)


def dfe(codes: pl.Series) -> pl.Series:
    """Return DfE codes, NOBT where the group is not known."""
    return codes.replace({"": "NOBT"})


def loose(rng: Generator, codes: pl.Series) -> pl.Series:
    """Return ethnic groups as a worker writes them."""
    return pl.Series(
        [str(rng.choice(LOOSE.get(code, (TEXT[code],)))) for code in codes], dtype=pl.String
    )


def sexes(codes: pl.Series, female: str, male: str) -> pl.Series:
    """Return F and M in an agency's words."""
    return codes.replace({"F": female, "M": male})


def days(values: pl.Series, form: str) -> pl.Series:
    """Return dates or times as text; empty where there is none."""
    return values.dt.strftime(form).fill_null("")


def some(
    rng: Generator, options: tuple[str, ...], count: int, shares: tuple[float, ...] | None = None
) -> pl.Series:
    """Return random texts."""
    weights = None if shares is None else np.array(shares) / sum(shares)
    return pl.Series(rng.choice(np.array(options), count, p=weights).tolist(), dtype=pl.String)
