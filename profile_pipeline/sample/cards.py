"""What an agency has written down of each person: its card, with the differences agencies make.

A card is made once for an agency and person, so that a file repeats its own mistakes from row to
row, as files do; `retyped` adds the slips of a single row.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from profile_pipeline.sample import names

Texts = NDArray[np.object_]
NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj",
    "i": "uo",
    "j": "hk", "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "r": "et", "s": "ad",
    "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip


@dataclass(frozen=True)
class Habits:
    """How often (share of cards) an agency's record of a person differs from what is true."""

    short_form: float = 0.03
    spelling: float = 0.10
    typing: float = 0.02
    swapped_names: float = 0.008
    half_surname: float = 0.2
    middle_name: float = 0.0
    day_and_month: float = 0.012
    wrong_digit: float = 0.008
    no_birth: float = 0.006
    first_of_january: float = 0.006
    old_address: float = 0.3
    no_postcode: float = 0.03
    no_ethnicity: float = 0.05
    wrong_sex: float = 0.003


def _typed(rng: Generator, name: str) -> str:
    """Return the name with one slip: a letter doubled, dropped, exchanged or mistyped."""
    if len(name) < 4:
        return name
    at = int(rng.integers(1, len(name) - 1))
    kind = int(rng.integers(4))
    if kind == 0:
        return name[:at] + name[at] + name[at:]
    if kind == 1:
        return name[:at] + name[at + 1 :]
    if kind == 2:
        return name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :] if at > 1 else name
    near = NEIGHBOURS.get(name[at].lower())
    return name[:at] + near[int(rng.integers(len(near)))] + name[at + 1 :] if near else name


def _changed(
    rng: Generator, values: Texts, chance: float | NDArray[np.float64], change: "Change"
) -> NDArray[np.bool_]:
    """Change a share of the values in place; return which."""
    hit = rng.random(len(values)) < chance
    for place in np.flatnonzero(hit):
        before = values[place]
        values[place] = change(int(place), str(before))
        hit[place] = values[place] != before
    return hit


class Change:
    """A change of one value, given its place: a typed stand-in for a callable."""

    def __call__(self, place: int, value: str) -> str:
        """Return the value changed."""
        raise NotImplementedError


class _Pick(Change):
    def __init__(self, rng: Generator, options: list[tuple[str, ...]]) -> None:
        self.rng, self.options = rng, options

    def __call__(self, place: int, value: str) -> str:
        options = self.options[place]
        return options[int(self.rng.integers(len(options)))] if options else value


class _Type(Change):
    def __init__(self, rng: Generator) -> None:
        self.rng = rng

    def __call__(self, place: int, value: str) -> str:
        return _typed(self.rng, value)


def cards(rng: Generator, children: pl.DataFrame, habits: Habits) -> pl.DataFrame:
    """Return one card a child, in the children's order.

    Columns: forename, surname, born (date; null not written), sex (F or M), ethnicity (DfE code;
    empty not written), postcode (empty not written), and `differences`, what differs from the
    truth, separated by spaces.
    """
    total = children.height
    fore: Texts = np.array(children["forename"].to_list(), dtype=object)
    sur: Texts = np.array(children["surname"].to_list(), dtype=object)
    fore_origin, origin = children["fore_origin"].to_list(), children["origin"].to_list()
    told: dict[str, NDArray[np.bool_]] = {}
    shorts = [names.short_forms(o, n) for o, n in zip(fore_origin, fore, strict=True)]
    told["short_form"] = _changed(rng, fore, habits.short_form, _Pick(rng, shorts))
    fore_spelt = [names.spellings(o, n) for o, n in zip(fore_origin, fore, strict=True)]
    sur_spelt = [names.spellings(o, n) for o, n in zip(origin, sur, strict=True)]
    # Names that were first written in another alphabet, or with letters English lacks, vary most.
    british = np.array([o == "british" for o in origin])
    rate = np.where(british, 0.2, 1.0) * habits.spelling
    doubled = np.array(["-" in n and b for n, b in zip(sur, british, strict=True)])
    told["half_surname"] = _changed(rng, sur, doubled * habits.half_surname, _Pick(rng, sur_spelt))
    told["spelling"] = _changed(rng, fore, rate, _Pick(rng, fore_spelt))
    told["spelling"] |= _changed(rng, sur, rate * ~doubled, _Pick(rng, sur_spelt))
    told["typing"] = _changed(rng, fore, habits.typing, _Type(rng))
    told["typing"] |= _changed(rng, sur, habits.typing, _Type(rng))
    middle = children["middle"].to_list()
    told["middle_name"] = (rng.random(total) < habits.middle_name) & np.array(
        [bool(m) for m in middle]
    )
    for place in np.flatnonzero(told["middle_name"]):
        fore[place] = f"{fore[place]} {middle[place]}"
    swap_rate = np.where(np.isin(origin, ["chinese", "arabic", "polish", "african"]), 4.0, 1.0)
    swapped = rng.random(total) < habits.swapped_names * swap_rate
    fore[swapped], sur[swapped] = sur[swapped].copy(), fore[swapped].copy()
    told["swapped_names"] = swapped
    born, birth = _births(rng, children["born"].to_numpy(), habits, british)
    told |= birth
    old = children["old_postcode"].to_numpy().astype(object)
    now = children["postcode"].to_numpy().astype(object)
    told["old_address"] = (rng.random(total) < habits.old_address) & (old != now)
    postcode = np.where(told["old_address"], old, now)
    told["no_postcode"] = rng.random(total) < habits.no_postcode
    postcode[told["no_postcode"]] = ""
    ethnicity = children["ethnicity"].to_numpy().astype(object).copy()
    told["no_ethnicity"] = rng.random(total) < habits.no_ethnicity
    ethnicity[told["no_ethnicity"]] = ""
    sex = children["sex"].to_numpy().astype(object).copy()
    told["wrong_sex"] = rng.random(total) < habits.wrong_sex
    sex[told["wrong_sex"]] = np.where(sex[told["wrong_sex"]] == "F", "M", "F")
    words = np.array([""] * total, dtype=object)
    for name, hit in told.items():
        words[hit] = words[hit] + f"{name} "
    return pl.DataFrame(
        {
            "forename": pl.Series(fore.tolist(), dtype=pl.String),
            "surname": pl.Series(sur.tolist(), dtype=pl.String),
            "born": pl.Series(born).cast(pl.Date),
            "sex": pl.Series(sex.tolist(), dtype=pl.String),
            "ethnicity": pl.Series(ethnicity.tolist(), dtype=pl.String),
            "postcode": pl.Series(postcode.tolist(), dtype=pl.String),
            "differences": pl.Series(words.tolist(), dtype=pl.String).str.strip_chars(),
        }
    )


def _births(
    rng: Generator, born: NDArray[np.datetime64], habits: Habits, british: NDArray[np.bool_]
) -> tuple[NDArray[np.datetime64], dict[str, NDArray[np.bool_]]]:
    """Return dates of birth as written, and what differs.

    No slip makes a child an adult before the period: that would be another kind of fault.
    """
    total = len(born)
    written = born.astype("datetime64[D]").copy()
    month = born.astype("datetime64[M]")
    day = (born - month).astype(int) + 1
    number = month.astype(int) % 12 + 1
    year = month.astype("datetime64[Y]")
    can_swap = (day <= 12) & (day != number)
    exchanged = (year.astype("datetime64[M]") + (day - 1).astype("timedelta64[M]")).astype(
        "datetime64[D]"
    ) + (number - 1).astype("timedelta64[D]")
    safe = np.datetime64("1997-02-01")
    swap = (rng.random(total) < habits.day_and_month) & can_swap & (exchanged > safe)
    written[swap] = exchanged[swap]
    wrong = (rng.random(total) < habits.wrong_digit) & ~swap
    step = rng.choice([-1, 1, 10], total).astype("timedelta64[D]")
    wrong &= (written + step > safe) & (written + step < np.datetime64("2006-01-01"))
    written[wrong] = (written + step)[wrong]
    # Where a family did not know the day, a clerk writes the first of January.
    rate = habits.first_of_january * np.where(british, 0.4, 3.0)
    january = (rng.random(total) < rate) & (year.astype("datetime64[D]") > safe) & ~swap & ~wrong
    written[january] = year.astype("datetime64[D]")[january]
    none = rng.random(total) < habits.no_birth
    written[none] = np.datetime64("NaT")
    return written, {
        "day_and_month": swap & ~none,
        "wrong_digit": wrong & ~none,
        "first_of_january": january & ~none,
        "no_birth": none,
    }


def of_rows(card: pl.DataFrame, child: pl.Series) -> pl.DataFrame:
    """Return each row's child's card."""
    return card[child.to_list()]


def retyped(rng: Generator, values: pl.Series, chance: float) -> pl.Series:
    """Return the column with slips of single rows."""
    texts: Texts = np.array(values.to_list(), dtype=object)
    _changed(rng, texts, chance, _Type(rng))
    return pl.Series(values.name, texts.tolist(), dtype=pl.String)
