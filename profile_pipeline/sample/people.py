"""The invented children and suspects, with everything that is true of them.

Children come in groups that differ in who they are and what happens to them: `open` to the CSE team
at the end, `closed` before, `screened` and no more, `unseen` (three or more signs, never referred),
`other`, and `visitor` (another area's). What each agency writes of them is in `cards.py`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from profile_pipeline.sample import names
from profile_pipeline.sample.place import ETHNIC_MIX, FAR_DISTRICTS, WARDS, Place
from profile_pipeline.sample.setting import END, START, scaled

# The strategy's figures for the end of March 2016: 95 children, 16 serious, 11 significant, 68 at
# risk; 87 girls, 82 White British, 32 looked after. The rest is invented.
OPEN, SERIOUS, SIGNIFICANT = 95, 16, 11
OPEN_BOYS, OPEN_WHITE_BRITISH, OPEN_LOOKED_AFTER = 8, 82, 32
GROUPS = {"closed": 110, "screened": 70, "unseen": 330, "visitor": 26}
BOYS = {"closed": 0.10, "screened": 0.16, "unseen": 0.44, "other": 0.52, "visitor": 0.45}
LOOKED_AFTER = {"closed": 0.32, "screened": 0.20, "unseen": 0.22, "other": 0.115, "visitor": 0.0}
# Ages on the last day, in years from 11; the CSE team knows children of 13 to 16 above all.
AGES = {
    "severe": (0.07, 0.06, 0.04, 0.26, 0.30, 0.20, 0.07),
    "open": (0.01, 0.05, 0.14, 0.25, 0.27, 0.20, 0.08),
    "closed": (0.0, 0.02, 0.06, 0.14, 0.22, 0.28, 0.28),
    "screened": (0.02, 0.06, 0.14, 0.22, 0.24, 0.20, 0.12),
    "unseen": (0.02, 0.05, 0.12, 0.20, 0.25, 0.24, 0.12),
    "other": (0.12, 0.12, 0.14, 0.15, 0.16, 0.16, 0.15),
    "visitor": (0.02, 0.05, 0.13, 0.20, 0.25, 0.25, 0.10),
}
# Planted: children of Pakistani and Bangladeshi families show signs far more often than they are
# known to the team, boys too, and hardly anyone is known in Eastmarsh.
UNSEEN_ETHNICITY = {
    "WBRI": 0.63, "APKN": 0.145, "ABAN": 0.065, "AIND": 0.02, "MWBC": 0.04, "WOTH": 0.035,
    "WROM": 0.015, "MWAS": 0.015, "BAFR": 0.015, "BCRB": 0.01, "OOTH": 0.01,
}  # fmt: skip
KNOWN_OTHER = {
    "MWBC": 0.34, "WOTH": 0.12, "APKN": 0.10, "WIRI": 0.09, "WROM": 0.08, "MWAS": 0.08,
    "BCRB": 0.07,
    "BAFR": 0.06, "AIND": 0.06,
}  # fmt: skip
UNSEEN_WARD = WARDS.index("Eastmarsh")
SINGLE_WARD = WARDS.index("Dovecote")  # one known child: the small number to be protected

# Chance that a thing happens to a child in the two years, by group.
CHANCES: dict[str, dict[str, float]] = {
    "open": {"missing": 0.74, "absence": 0.58, "exclusion": 0.32, "offending": 0.22, "sti": 0.13,
             "substance": 0.42, "mental": 0.42, "domestic": 0.30, "gang": 0.08, "housing": 0.0,
             "voluntary": 0.30, "assessed": 0.93, "cse_factor": 0.90},
    "closed": {"missing": 0.55, "absence": 0.45, "exclusion": 0.26, "offending": 0.20, "sti": 0.09,
               "substance": 0.33, "mental": 0.35, "domestic": 0.30, "gang": 0.06, "housing": 0.0,
               "voluntary": 0.22, "assessed": 0.90, "cse_factor": 0.80},
    "screened": {"missing": 0.50, "absence": 0.40, "exclusion": 0.24, "offending": 0.20,
    "sti": 0.05,
                 "substance": 0.22, "mental": 0.30, "domestic": 0.28, "gang": 0.05, "housing": 0.0,
                 "voluntary": 0.14, "assessed": 0.75, "cse_factor": 0.25},
    "unseen": {"missing": 0.62, "absence": 0.66, "exclusion": 0.50, "offending": 0.44, "sti": 0.07,
               "substance": 0.40, "mental": 0.40, "domestic": 0.36, "gang": 0.08, "housing": 0.30,
               "voluntary": 0.12, "assessed": 0.78, "cse_factor": 0.04},
    "other": {"missing": 0.14, "absence": 0.13, "exclusion": 0.10, "offending": 0.07, "sti": 0.015,
              "substance": 0.04, "mental": 0.09, "domestic": 0.12, "gang": 0.008, "housing": 0.09,
              "voluntary": 0.04, "assessed": 0.36, "cse_factor": 0.01},
    "visitor": {"missing": 1.0, "absence": 0.0, "exclusion": 0.0, "offending": 0.12, "sti": 0.08,
                "substance": 0.0, "mental": 0.0, "domestic": 0.0, "gang": 0.0, "housing": 0.0,
                "voluntary": 0.0, "assessed": 0.0, "cse_factor": 0.0},
}  # fmt: skip
THINGS = tuple(CHANCES["open"])
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


@dataclass(frozen=True)
class People:
    """Children and suspects, a row each."""

    children: pl.DataFrame
    suspects: pl.DataFrame
    pairs: pl.DataFrame


def make_people(rng: Generator, place: Place, children: int) -> People:
    """Return the people of the borough.

    `children` has `person`, `group`, `level` (final risk level of the open), names, `origin`,
    `sex`, `ethnicity`, `born`, home (`ward`, `postcode`, and `old_postcode` before `moved`),
    identifiers, care (`care_from`, `care_to`, `home`: its row in the register), `school`,
    `disability`, and a true-or-false column for each of THINGS. `pairs` are twins, siblings and
    namesakes.
    """
    frame = _groups(rng, children)
    frame = _who(rng, frame)
    frame = _home(rng, frame, place)
    frame, pairs = _families(rng, frame)
    frame = _identifiers(rng, frame)
    frame = _care(rng, frame, place)
    frame = _happens(rng, frame, place)
    # A person's number tells nothing about the group.
    order = rng.permutation(frame.height)
    numbers = np.empty(frame.height, dtype=np.int64)
    numbers[order] = np.arange(frame.height)
    ids = pl.Series("person", [f"C{number + 1:05d}" for number in numbers])
    pairs = pairs.with_columns(first=ids.gather(pairs["first"]), second=ids.gather(pairs["second"]))
    frame = (
        frame.with_columns(ids)[order.tolist()].with_row_index("child").cast({"child": pl.Int64})
    )
    return People(frame, _suspects(rng, scaled(64, children)), pairs)


def _split(total: int, shares: tuple[float, ...]) -> list[int]:
    """Return whole numbers in proportion that add up to the total (largest remainder)."""
    exact = np.array(shares) / sum(shares) * total
    whole = np.floor(exact).astype(int)
    for place in np.argsort(whole - exact, kind="stable")[: total - whole.sum()]:
        whole[place] += 1
    return [int(number) for number in whole]


def _groups(rng: Generator, children: int) -> pl.DataFrame:
    sizes = {"open": scaled(OPEN, children)}
    sizes |= {group: scaled(size, children) for group, size in GROUPS.items()}
    sizes["other"] = max(0, children - sum(n for g, n in sizes.items() if g != "visitor"))
    group = np.repeat(list(sizes), list(sizes.values()))
    level = np.full(len(group), "", dtype="<U12")
    split = _split(sizes["open"], (SERIOUS, SIGNIFICANT, OPEN - SERIOUS - SIGNIFICANT))
    level[: sizes["open"]] = np.repeat(["serious", "significant", "at_risk"], split)
    return pl.DataFrame({"group": group, "level": level})


def _exactly(rng: Generator, count: int, of: int) -> NDArray[np.bool_]:
    chosen = np.zeros(of, dtype=bool)
    chosen[rng.choice(of, min(count, of), replace=False)] = True
    return chosen


def _who(rng: Generator, frame: pl.DataFrame) -> pl.DataFrame:
    group, level = frame["group"].to_numpy(), frame["level"].to_numpy()
    total = frame.height
    is_open = group == "open"
    count = int(is_open.sum())
    boy, looked_after = np.zeros(total, dtype=bool), np.zeros(total, dtype=bool)
    ethnicity = np.full(total, "WBRI", dtype="<U4")
    age = np.zeros(total, dtype=np.int64)
    boy[is_open] = _exactly(rng, max(1, round(OPEN_BOYS * count / OPEN)), count)
    looked_after[is_open] = _exactly(rng, round(OPEN_LOOKED_AFTER * count / OPEN), count)
    white = _exactly(rng, round(OPEN_WHITE_BRITISH * count / OPEN), count)
    ethnicity[np.flatnonzero(is_open)[~white]] = _choose(rng, KNOWN_OTHER, int((~white).sum()))
    for name, share in BOYS.items():
        at = group == name
        boy[at] = rng.random(at.sum()) < share
        looked_after[at] = rng.random(at.sum()) < LOOKED_AFTER[name]
        if name in ("closed", "screened"):
            known = {"WBRI": 0.86, **{code: 0.14 * part for code, part in KNOWN_OTHER.items()}}
            ethnicity[at] = _choose(rng, known, int(at.sum()))
        else:
            ethnicity[at] = _choose(
                rng, UNSEEN_ETHNICITY if name == "unseen" else ETHNIC_MIX, int(at.sum())
            )
    for name, weights in AGES.items():
        at = (
            np.isin(level, ["serious", "significant"])
            if name == "severe"
            else (level == "at_risk" if name == "open" else group == name)
        )
        chances = np.array(weights)
        age[at] = 11 + rng.choice(len(weights), at.sum(), p=chances / chances.sum())
    # Some closed cases and others have turned 18, but nobody was 18 when the period began.
    old = np.isin(group, ["closed", "other", "unseen"]) & (rng.random(total) < 0.09)
    age[old] = 18
    days = age * 365.25 + rng.uniform(2, 360, total)
    born = np.datetime64(END) - np.round(days).astype("timedelta64[D]")
    kinds = np.where(boy, names.BOY, names.GIRL).tolist()
    origins = [str(rng.choice(names.ORIGINS[code])) for code in ethnicity]
    # In a mixed family forename and surname may come from different sides.
    mixed = np.char.startswith(ethnicity, "M")
    fore_origins = [
        "british" if m and draw < 0.6 else origin
        for m, draw, origin in zip(mixed, rng.random(total), origins, strict=True)
    ]
    forename = names.draw(rng, fore_origins, kinds)
    surname = names.draw(rng, origins, [names.SURNAME] * total)
    middle = names.draw(rng, fore_origins, kinds)
    return frame.with_columns(
        forename=pl.Series(forename),
        middle=pl.Series(
            [m if d < 0.4 else "" for m, d in zip(middle, rng.random(total), strict=True)]
        ),
        surname=pl.Series(surname),
        fore_origin=pl.Series(fore_origins),
        origin=pl.Series(origins),
        sex=pl.Series(np.where(boy, "M", "F")),
        ethnicity=pl.Series(ethnicity),
        born=pl.Series(born),
        looked_after=pl.Series(looked_after),
        disability=pl.Series(rng.random(total) < np.where(group == "other", 0.07, 0.17)),
    )


def _choose(rng: Generator, shares: dict[str, float], count: int) -> NDArray[np.str_]:
    weights = np.array(list(shares.values()))
    return np.asarray(rng.choice(list(shares), count, p=weights / weights.sum()))


def _home(rng: Generator, frame: pl.DataFrame, place: Place) -> pl.DataFrame:
    """Give each child a home: the unseen more often in Eastmarsh, the known hardly ever there."""
    total = frame.height
    group = frame["group"].to_numpy()
    known = np.isin(group, ["open", "closed", "screened"])
    weights = rng.uniform(0.7, 1.3, len(WARDS))
    ward = rng.choice(len(WARDS), total, p=weights / weights.sum())
    to_eastmarsh = (group == "unseen") & (rng.random(total) < 0.16)
    ward[to_eastmarsh] = UNSEEN_WARD
    away = known & np.isin(ward, [UNSEEN_WARD, SINGLE_WARD])
    elsewhere = [w for w in range(len(WARDS)) if w not in (UNSEEN_WARD, SINGLE_WARD)]
    ward[away] = rng.choice(elsewhere, away.sum())
    ward[np.flatnonzero(group == "open")[-1]] = SINGLE_WARD
    per_ward = place.postcodes.height // len(WARDS)
    postcodes = place.postcodes["postcode"].to_numpy()
    home = ward * per_ward + rng.integers(0, per_ward, total)
    before = rng.integers(0, len(postcodes), total)
    # The known have always lived in their ward: an old address must not move them to another.
    before[known] = ward[known] * per_ward + rng.integers(0, per_ward, known.sum())
    moved = rng.random(total) < 0.18
    moved_on = np.datetime64(START) + rng.integers(60, 700, total).astype("timedelta64[D]")
    postcode = postcodes[home].copy()
    visitor = group == "visitor"
    postcode[visitor] = rng.choice(place.outside["postcode"].to_numpy(), visitor.sum())
    return frame.with_columns(
        ward=pl.Series(np.where(visitor, -1, ward)),
        postcode=pl.Series(postcode),
        old_postcode=pl.Series(np.where(moved & ~visitor, postcodes[before], postcode)),
        moved=pl.Series(moved_on),
    )


def _families(rng: Generator, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make some children twins, siblings or namesakes of others; the linkage must keep them apart.

    The second of a pair is always one of the `other` children, whose birth and home may change
    without changing what is known of the groups.
    """
    total = frame.height
    others = rng.permutation(np.flatnonzero(frame["group"].to_numpy() == "other"))
    counts = {"twin": total // 120, "sibling": total // 14, "namesake": total // 150}
    columns = {
        name: frame[name].to_numpy().copy()
        for name in (
            "surname",
            "forename",
            "origin",
            "fore_origin",
            "ethnicity",
            "postcode",
            "old_postcode",
            "ward",
            "born",
            "sex",
        )
    }
    rows = []
    start = 0
    firsts = rng.permutation(np.flatnonzero(frame["group"].to_numpy() != "visitor"))
    for kind, count in counts.items():
        count = min(count, max(0, len(others) - start))
        second = others[start : start + count]
        first = firsts[~np.isin(firsts, second)][:count]
        firsts = firsts[~np.isin(firsts, np.concatenate([first, second]))]
        count = len(first)
        second = second[:count]
        start += count
        if kind == "namesake":
            copied: tuple[str, ...] = (
                "surname",
                "forename",
                "origin",
                "fore_origin",
                "ethnicity",
                "sex",
            )
        else:
            copied = ("surname", "origin", "ethnicity", "postcode", "old_postcode", "ward")
        for name in copied:
            columns[name][second] = columns[name][first]
        if kind == "twin":
            columns["born"][second] = columns["born"][first]
        if kind != "namesake":
            columns["fore_origin"][second] = columns["fore_origin"][first]
            sex = [names.BOY if s == "M" else names.GIRL for s in columns["sex"][second]]
            drawn = names.draw(rng, columns["fore_origin"][second].tolist(), sex)
            same = np.array(drawn, dtype=object) == columns["forename"][first]
            columns["forename"][second] = np.where(same, columns["forename"][second], drawn)
        rows += [(kind, int(a), int(b)) for a, b in zip(first, second, strict=True)]
    pairs = pl.DataFrame(
        rows, schema={"kind": pl.String, "first": pl.Int64, "second": pl.Int64}, orient="row"
    )
    frame = frame.with_columns(pl.Series(name, values) for name, values in columns.items())
    # A child isn't its twin's namesake.
    same = pl.Series([False]).new_from_index(0, pairs.height)
    if pairs.height:
        fore = frame["forename"]
        same = (fore.gather(pairs["first"]) == fore.gather(pairs["second"])) & (
            pairs["kind"] != "namesake"
        )
    if same.any():
        changed = frame["forename"].to_list()
        for place in pairs.filter(same)["second"]:
            middle = frame["fore_origin"][place]
            options = names.pool(middle, names.BOY if frame["sex"][place] == "M" else names.GIRL)
            changed[place] = next(name for name in options if name != changed[place])
        frame = frame.with_columns(forename=pl.Series(changed))
    return frame.cast({"born": pl.Date}), pairs


def nhs_numbers(rng: Generator, count: int) -> list[str]:
    """Return distinct NHS numbers of the range 999, which is for tests, with valid check digits."""
    body = rng.permutation(1_000_000)[: count * 2]
    digits = np.array([9, 9, 9])[None, :].repeat(len(body), 0)
    rest = (body[:, None] // 10 ** np.arange(5, -1, -1)) % 10
    full = np.hstack([digits, rest])
    check = 11 - (full * np.arange(10, 1, -1)).sum(1) % 11
    good = check != 10
    check = np.where(check == 11, 0, check)
    return [f"999{b:06d}{c}" for b, c in zip(body[good], check[good], strict=True)][:count]


def upns(rng: Generator, born_years: NDArray[np.int64]) -> list[str]:
    """Return distinct pupil numbers of an authority 998 that does not exist, with check letters."""
    serial = rng.permutation(1_000_000)[: len(born_years)]
    numbers = [
        f"998{4000 + s // 1000 % 1000:04d}{(year + 4) % 100:02d}{s % 1000:03d}"
        for s, year in zip(serial, born_years, strict=True)
    ]
    digits = np.array([[int(c) for c in number] for number in numbers]).reshape(len(numbers), 12)
    check = (digits * np.arange(2, 14)).sum(1) % 23
    return [f"{UPN_LETTERS[c]}{number}" for c, number in zip(check, numbers, strict=True)]


def _identifiers(rng: Generator, frame: pl.DataFrame) -> pl.DataFrame:
    total = frame.height
    visitor = frame["group"].to_numpy() == "visitor"
    council = rng.permutation(90_000)[:total] + 10_000
    police = rng.permutation(900_000)[:total] + 100_000
    youth = rng.permutation(9_000)[:total] + 1_000 if total < 9_000 else np.arange(total) + 1_000
    team = rng.permutation(max(900, total))[:total] + 100
    upn = upns(rng, frame["born"].dt.year().to_numpy().astype(np.int64))
    return frame.with_columns(
        nhs=pl.Series(nhs_numbers(rng, total)),
        upn=pl.Series(upn),
        council_id=pl.Series(
            ["" if v else f"TH{n}" for v, n in zip(visitor, council, strict=True)]
        ),
        police_id=pl.Series([f"N{n}" for n in police]),
        youth_id=pl.Series([f"Y{n}" for n in youth]),
        team_ref=pl.Series([f"CSE{n:04d}" for n in team]),
    )


def _care(rng: Generator, frame: pl.DataFrame, place: Place) -> pl.DataFrame:
    """Say from when to when a child is looked after and where; the open ones are at the end."""
    total = frame.height
    group = frame["group"].to_numpy()
    care_from = np.datetime64(START) + rng.integers(-900, 600, total).astype("timedelta64[D]")
    care_to = care_from + rng.integers(120, 1400, total).astype("timedelta64[D]")
    born = frame["born"].to_numpy()
    adult = born + np.timedelta64(6575, "D")
    care_to = np.minimum(care_to, adult)
    still = (group == "open") | (care_to > np.datetime64(END))
    in_home = rng.random(total) < np.where(np.isin(group, ["open", "closed", "unseen"]), 0.4, 0.15)
    # The first home, by hotspot H1, has more than its share.
    weights = np.array([0.28] + [0.09] * (place.homes.height - 1))
    home = rng.choice(place.homes.height, total, p=weights / weights.sum())
    away = ~in_home & (rng.random(total) < 0.22)
    far = [
        f"{district} {number}{first}{second}"
        for district, number, first, second in zip(
            rng.choice(FAR_DISTRICTS, total),
            rng.integers(1, 10, total),
            rng.choice(list("ABDEFGH"), total),
            rng.choice(list("JLNPQRS"), total),
            strict=True,
        )
    ]
    foster = place.postcodes["postcode"].to_numpy()[rng.integers(0, place.postcodes.height, total)]
    at_home = place.homes["Postcode"].to_numpy()[home]
    placed = np.where(in_home, at_home, np.where(away, np.array(far), foster))
    before_18 = (adult.astype("datetime64[D]") - care_from).astype(np.int64) > 0
    looked_after = frame["looked_after"].to_numpy() & before_18
    return frame.with_columns(
        looked_after=pl.Series(looked_after),
        care_from=pl.Series(care_from),
        care_to=pl.Series(np.where(still, np.datetime64("NaT"), care_to)),
        home=pl.Series(np.where(in_home, home, -1)),
        placed_away=pl.Series(away & ~in_home),
        placement_postcode=pl.Series(placed),
        care_order=pl.Series(rng.choice(["C2", "C1", "V2"], total, p=[0.48, 0.14, 0.38])),
    )


def _happens(rng: Generator, frame: pl.DataFrame, place: Place) -> pl.DataFrame:
    total = frame.height
    group = frame["group"].to_numpy()
    age = (np.datetime64(END) - frame["born"].to_numpy()).astype(int) / 365.25
    columns = {}
    for thing in THINGS:
        chance = np.array([CHANCES[g][thing] for g in group])
        columns[thing] = rng.random(total) < chance
    columns["missing"] |= frame["looked_after"].to_numpy() & (rng.random(total) < 0.12)
    columns["sti"] &= age >= 14
    columns["offending"] &= age >= 11.5
    columns["housing"] &= age >= 16.5
    # Of the unseen most have three kinds of sign at least: two are added where there are fewer.
    signs = ("missing", "absence", "exclusion", "offending", "substance", "mental", "domestic")
    unseen = np.flatnonzero(group == "unseen")
    for child in unseen:
        for sign in rng.permutation((*signs[:3], "mental"))[:3]:
            if sum(columns[s][child] for s in signs) >= 3:
                break
            columns[str(sign)][child] = True
    needs_file = columns["substance"] | columns["mental"] | columns["domestic"] | columns["gang"]
    columns["assessed"] |= needs_file & (group != "visitor")
    schools = rng.integers(0, place.schools.height - 2, total)
    special = rng.random(total)
    schools = np.where(columns["exclusion"] & (special < 0.15), place.schools.height - 2, schools)
    return frame.with_columns(
        *(pl.Series(name, values) for name, values in columns.items()), school=pl.Series(schools)
    )


def _suspects(rng: Generator, count: int) -> pl.DataFrame:
    """Return persons of whom reports and crimes speak; some are children themselves."""
    sex = np.where(rng.random(count) < 0.94, "M", "F")
    codes = _choose(rng, {**ETHNIC_MIX, "WBRI": 0.74}, count)
    origins = [str(rng.choice(names.ORIGINS[code])) for code in codes]
    kinds = np.where(sex == "M", names.BOY, names.GIRL).tolist()
    age = np.clip(rng.gamma(5, 5.6, count), 15.5, 68)
    born = np.datetime64(END) - np.round(age * 365.25).astype("timedelta64[D]")
    nicknames = (
        "Biggs",
        "Taz",
        "Smurf",
        "Ghost",
        "Lucky",
        "Tiny",
        "Moose",
        "Chip",
        "Fox",
        "Duke",
        "Shades",
        "Rocky",
        "Slim",
        "Ace",
        "Zed",
        "Curly",
    )
    appearance = {"B": "IC3", "A": "IC4", "C": "IC5", "O": "IC6", "W": "IC1", "M": "IC3"}
    return pl.DataFrame(
        {
            "suspect": pl.Series(np.arange(count), dtype=pl.Int64),
            "person": [f"S{number + 1:03d}" for number in range(count)],
            "forename": names.draw(rng, origins, kinds),
            "surname": names.draw(rng, origins, [names.SURNAME] * count),
            "nickname": [
                n if d < 0.5 else ""
                for n, d in zip(rng.choice(nicknames, count), rng.random(count), strict=True)
            ],
            "sex": sex,
            "born": born,
            "appearance": [appearance[code[0]] for code in codes],
            "vehicle": [
                f"{c} {m}" if d < 0.35 else ""
                for c, m, d in zip(
                    rng.choice(["black", "silver", "white", "blue"], count),
                    rng.choice(
                        ["Audi A3", "Vauxhall Corsa", "VW Golf", "Ford Transit", "BMW 1"], count
                    ),
                    rng.random(count),
                    strict=True,
                )
            ],
            "weight": rng.gamma(0.7, 1.0, count) + 0.05,
        }
    ).cast({"born": pl.Date})
