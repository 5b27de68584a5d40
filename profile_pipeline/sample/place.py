"""The borough's ground: wards, postcodes, homes, premises, schools, territories, hotspots.

Positions are EPSG:27700, metres, in the North Sea. Every draw comes from the generator given.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from profile_pipeline.sample.setting import FULL_SIZE

WEST, SOUTH = 602_000.0, 471_000.0
ACROSS, UP = 4, 3
WIDE_M, HIGH_M = 2_900.0, 2_800.0
WARDS = (
    "Anchor Quay", "Brackendale", "Castle Hythe", "Dovecote",
    "Eastmarsh", "Foundry Lane", "Gallowtree", "Heron Park",
    "Kilnfield", "Longacre", "Millrace", "Northgate Rise",
)  # fmt: skip
DISTRICTS = ("ZK1", "ZK2", "ZK3", "ZK4", "ZK5", "ZK6")
NEAR_DISTRICTS = ("ZL4", "ZL7")
FAR_DISTRICTS = ("ZM2", "ZM9")
POSTCODES_A_WARD = 150
UNIT_LETTERS = np.array(list("ABDEFGHJLNPQRSTUWXYZ"))
POLICE_STATION = (605_150.0, 474_480.0)
STREETS = (
    "Saddler's Row", "Quay Street", "Mill Lane", "Foundry Road", "Church Walk", "Tannery Street",
    "Orchard Road", "High Street", "Market Place", "Bridge Street", "Kiln Lane", "Station Approach",
    "Ropewalk", "Gallow Hill", "Canal Side", "Heron Way", "North Road", "Weaver Street",
)  # fmt: skip
PREMISES_FIRST = (
    "Golden", "Silver", "Old", "Crown", "Royal", "Red", "Green", "Star", "Swan", "Corner", "City",
    "Spice", "Harbour", "Rose", "King's", "Pepper", "Union", "Cedar", "Falcon", "Bell",
)  # fmt: skip
PREMISES_KIND = (
    ("Public house", ("Arms", "Inn", "Tap")),
    ("Takeaway", ("Kebab", "Pizza", "Fried Chicken")),
    ("Taxi office", ("Cars", "Taxis")),
    ("Hotel", ("Hotel", "Lodge")),
    ("Off licence", ("Wines", "Convenience")),
    ("Night club", ("Rooms", "Club")),
)
BLUE_HERON = ("LP0417", "Blue Heron Shisha Lounge", "Shisha lounge", "14 Saddler's Row")
BLUE_HERON_SPELLINGS = (
    "Blue Heron Shisha Lounge",
    "Blue Heron Lounge",
    "The Blue Heron Shisha",
    "Blu Heron Shisha Lounge",
    "blue herron shisha lounge",
    "BLUE HERON SHISHA",
)
HOME_NAMES = (
    "Rowan Lodge", "Larkfield", "The Maltings", "Orchard End", "Kestrel House", "Tide Cottage",
    "Hazel View", "St Anne's House", "Fernbank",
)  # fmt: skip
SCHOOL_NAMES = (
    "Thornmere Academy", "Quayside School", "Bishop Alder CofE School", "Foundry Lane High",
    "Heron Park School", "St Brendan's Catholic School", "Northgate Academy", "Kilnfield High",
    "Longacre School", "The Ropewalk School", "Gallowtree Academy", "Millrace College",
    "The Bridge Short Stay School", "Dovecote Special School",
)  # fmt: skip
# Planted: a hotspot by a home and a drug hotspot, one by the shisha lounge, one on the edge.
HOTSPOTS = (
    ("H1", "near a children's home and a drug hotspot, in every quarter"),
    ("H2", "round one licensed premises, in the last year only"),
    ("H3", "across the boundary, mostly in the first year"),
)


@dataclass(frozen=True)
class Place:
    """The ground, as frames in the layouts of the reference files and a few positions."""

    corners: NDArray[np.float64]
    postcodes: pl.DataFrame
    outside: pl.DataFrame
    homes: pl.DataFrame
    premises: pl.DataFrame
    schools: pl.DataFrame
    gangs: list[NDArray[np.float64]]
    drugs: pl.DataFrame
    known: pl.DataFrame
    hotspots: pl.DataFrame


def ward_code(ward: int) -> str:
    """Return the code of a ward by its position; no real ward's code begins with E05999."""
    return f"E05999{ward + 1:03d}"


def make_place(rng: Generator) -> Place:
    """Return the borough's ground."""
    corners = _corners(rng)
    postcodes, outside = _postcodes(rng, corners)
    spots = _hotspots(rng, postcodes, corners)
    homes = _homes(rng, postcodes, spots)
    return Place(
        corners=corners,
        postcodes=postcodes,
        outside=outside,
        homes=homes,
        premises=_premises(rng, postcodes, spots),
        schools=_schools(rng, postcodes),
        gangs=[_territory(rng, corners, ward) for ward in (4, 5)],
        drugs=_drugs(rng, postcodes, spots),
        known=_known(spots, corners),
        hotspots=spots,
    )


def _corners(rng: Generator) -> NDArray[np.float64]:
    """Return the grid's corners, shape (UP + 1, ACROSS + 1, 2), jittered: no ward is square."""
    north, east = np.mgrid[0 : UP + 1, 0 : ACROSS + 1].astype(float)
    grid = np.stack([WEST + east * WIDE_M, SOUTH + north * HIGH_M], axis=-1)
    return np.round(grid + rng.uniform(-420, 420, grid.shape), 1)


def ring(corners: NDArray[np.float64], ward: int) -> NDArray[np.float64]:
    """Return a ward's closed ring, anticlockwise."""
    row, column = divmod(ward, ACROSS)
    cells = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)]
    return np.array([corners[cell] for cell in [*cells, cells[0]]])


def _inside(
    corners: NDArray[np.float64],
    wards: NDArray[np.int64],
    across: NDArray[np.float64],
    up: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return points inside wards, at shares `across` and `up` of their width and height."""
    row, column = np.divmod(wards, ACROSS)
    a, u = across[:, None], up[:, None]
    low = corners[row, column] * (1 - a) + corners[row, column + 1] * a
    high = corners[row + 1, column] * (1 - a) + corners[row + 1, column + 1] * a
    return np.asarray(low * (1 - u) + high * u)


def _units(rng: Generator, districts: NDArray[np.str_]) -> list[str]:
    """Return a distinct postcode in each district given."""
    pool = rng.permutation(9 * 20 * 20)[: len(districts)]
    sector, rest = np.divmod(pool, 400)
    first, second = np.divmod(rest, 20)
    letters = np.char.add(UNIT_LETTERS[first], UNIT_LETTERS[second])
    return [f"{d} {s + 1}{two}" for d, s, two in zip(districts, sector, letters, strict=True)]


def _postcodes(rng: Generator, corners: NDArray[np.float64]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the directory: addresses lie closer together near a centre of each ward."""
    wards = np.repeat(np.arange(len(WARDS)), POSTCODES_A_WARD)
    centre = rng.uniform(0.3, 0.7, (len(WARDS), 2))[wards]
    spread = np.where(rng.random(len(wards)) < 0.45, 0.12, 0.45)[:, None]
    share = np.clip(centre + rng.normal(0, 1, (len(wards), 2)) * spread, 0.03, 0.97)
    points = np.round(_inside(corners, wards, share[:, 0], share[:, 1]))
    units = _units(rng, np.array(DISTRICTS)[wards // 2])
    directory = pl.DataFrame(
        {
            "postcode": units,
            "easting": points[:, 0],
            "northing": points[:, 1],
            "ward_code": [ward_code(int(ward)) for ward in wards],
            "ward": wards,
        }
    )
    count = 120
    edge = np.stack(
        [
            WEST + ACROSS * WIDE_M + rng.uniform(700, 2400, count),
            SOUTH + rng.uniform(0, UP * HIGH_M, count),
        ],
        1,
    )
    outside = pl.DataFrame(
        {
            "postcode": _units(rng, rng.choice(NEAR_DISTRICTS, count)),
            "easting": np.round(edge[:, 0]),
            "northing": np.round(edge[:, 1]),
        }
    )
    return directory, outside


def _hotspots(
    rng: Generator, postcodes: pl.DataFrame, corners: NDArray[np.float64]
) -> pl.DataFrame:
    """Return the planted hotspots: centre, spread (metres) and share of events that lie there."""
    first = _near_ward_centre(postcodes, 5)
    second = _near_ward_centre(postcodes, 2)
    # In the middle of Heron Park's eastern edge, which is the borough's.
    edge = (corners[1, ACROSS] + corners[2, ACROSS]) / 2
    centres = np.round(np.array([first, second, edge]))
    return pl.DataFrame(
        {
            "hotspot": [name for name, _ in HOTSPOTS],
            "easting": centres[:, 0],
            "northing": centres[:, 1],
            "spread_m": [110.0, 90.0, 130.0],
            "share": [0.15, 0.11, 0.09],
            "note": [note for _, note in HOTSPOTS],
        }
    )


def _near_ward_centre(postcodes: pl.DataFrame, ward: int) -> NDArray[np.float64]:
    """Return a point of a ward away from where most addresses are, so that it stands out."""
    points = postcodes.filter(pl.col("ward") == ward).select("easting", "northing").to_numpy()
    crowd = (((points[:, None, :] - points[None, :, :]) ** 2).sum(-1) < 300**2).sum(1)
    middle = np.argsort(crowd, kind="stable")[len(points) // 3]
    return np.asarray(points[middle])


def _pick(rng: Generator, postcodes: pl.DataFrame, count: int) -> pl.DataFrame:
    rows = rng.choice(postcodes.height, count, replace=False)
    picked: pl.DataFrame = postcodes[rows.tolist()]
    return picked


def _homes(rng: Generator, postcodes: pl.DataFrame, spots: pl.DataFrame) -> pl.DataFrame:
    """Return nine children's homes, as a borough of this size has; one stands by hotspot H1."""
    at = _pick(rng, postcodes, len(HOME_NAMES))
    east, north = at["easting"].to_numpy().copy(), at["northing"].to_numpy().copy()
    east[0], north[0] = spots["easting"][0] + 140, spots["northing"][0] - 60
    return pl.DataFrame(
        {
            "URN": [f"SC99{number:04d}" for number in range(11, 11 + len(HOME_NAMES))],
            "Home": HOME_NAMES,
            "Run by": rng.choice(
                ["Council", "Private", "Charity"], len(HOME_NAMES), p=[0.3, 0.6, 0.1]
            ),
            "Postcode": at["postcode"],
            "Easting": east,
            "Northing": north,
            "Places": rng.integers(3, 9, len(HOME_NAMES)),
        }
    )


def _premises(rng: Generator, postcodes: pl.DataFrame, spots: pl.DataFrame) -> pl.DataFrame:
    count = 110
    at = _pick(rng, postcodes, count)
    kinds = rng.integers(0, len(PREMISES_KIND), count)
    endings = [PREMISES_KIND[k][1][int(rng.integers(len(PREMISES_KIND[k][1])))] for k in kinds]
    numbers = rng.integers(1, 160, count)
    streets = rng.choice(STREETS[1:], count)
    names = rng.choice(PREMISES_FIRST, count)
    register = pl.DataFrame(
        {
            "Licence no": [f"LP{500 + number:04d}" for number in range(count)],
            "Trading name": [f"{a} {b}" for a, b in zip(names, endings, strict=True)],
            "Kind": [PREMISES_KIND[k][0] for k in kinds],
            "Address": [f"{n} {s}" for n, s in zip(numbers, streets, strict=True)],
            "Postcode": at["postcode"],
            "Easting": at["easting"],
            "Northing": at["northing"],
        }
    ).unique("Trading name", keep="first", maintain_order=True)
    spot = spots.row(1, named=True)
    nearest = postcodes.sort(
        (pl.col("easting") - spot["easting"]) ** 2 + (pl.col("northing") - spot["northing"]) ** 2
    )["postcode"][0]
    own = pl.DataFrame(
        [[*BLUE_HERON, nearest, spot["easting"] + 20, spot["northing"] + 10]],
        schema=register.schema,
        orient="row",
    )
    return pl.concat([own, register]).sort("Licence no")


def _schools(rng: Generator, postcodes: pl.DataFrame) -> pl.DataFrame:
    at = _pick(rng, postcodes, len(SCHOOL_NAMES))
    last = len(SCHOOL_NAMES)
    return pl.DataFrame(
        {
            "URN": [f"999{number:03d}" for number in range(100, 100 + last)],
            "School": SCHOOL_NAMES,
            "Phase": ["Secondary"] * (last - 2) + ["Short stay school", "Special"],
            "Pupils": [*rng.integers(600, 1300, last - 2).tolist(), 70, 110],
            "Postcode": at["postcode"],
            "Easting": at["easting"],
            "Northing": at["northing"],
        }
    )


def _territory(rng: Generator, corners: NDArray[np.float64], ward: int) -> NDArray[np.float64]:
    """Return a closed ring of twelve corners about a ward's middle."""
    middle = ring(corners, ward)[:4].mean(0)
    angle = np.linspace(0, 2 * np.pi, 13)[:12]
    reach = rng.uniform(450, 900, 12)[:, None]
    points = np.round(middle + np.stack([np.cos(angle), np.sin(angle)], 1) * reach, 1)
    return np.vstack([points, points[:1]])


def _drugs(rng: Generator, postcodes: pl.DataFrame, spots: pl.DataFrame) -> pl.DataFrame:
    at = _pick(rng, postcodes, 5)
    east, north = at["easting"].to_numpy().copy(), at["northing"].to_numpy().copy()
    east[0], north[0] = spots["easting"][0] - 90, spots["northing"][0] + 80
    return pl.DataFrame(
        {
            "id": [f"DH{number}" for number in range(1, 6)],
            "easting": east,
            "northing": north,
            "radius_m": [180, *rng.integers(120, 300, 4).tolist()],
        }
    )


def _known(spots: pl.DataFrame, corners: NDArray[np.float64]) -> pl.DataFrame:
    """Return the hotspots named in an earlier profile: H1 is one of them, the other has faded."""
    faded = ring(corners, 8)[:4].mean(0).round()
    return pl.DataFrame(
        {
            "id": ["K1", "K2"],
            "easting": [spots["easting"][0] + 60, faded[0]],
            "northing": [spots["northing"][0] + 40, faded[1]],
            "radius_m": [300, 250],
            "note": ["identified 2013-14", "identified 2012-13"],
        }
    )


# Share of children aged 10 to 17 by DfE ethnicity code: a borough of mostly White British families
# with long-settled Pakistani, Indian and Caribbean ones and some newly arrived (invented).
ETHNIC_MIX = {
    "WBRI": 0.770, "WIRI": 0.004, "WIRT": 0.002, "WROM": 0.004, "WOTH": 0.026, "MWBC": 0.026,
    "MWBA": 0.004, "MWAS": 0.016, "MOTH": 0.008, "AIND": 0.024, "APKN": 0.058, "ABAN": 0.020,
    "AOTH": 0.006, "CHNE": 0.004, "BCRB": 0.008, "BAFR": 0.012, "OOTH": 0.008,
}  # fmt: skip


def population(rng: Generator, children: int) -> pl.DataFrame:
    """Return children by ward, age, sex and ethnicity: 30,000 aged 10-17 at full size."""
    total = 30_000 * children / FULL_SIZE
    wards = rng.uniform(0.75, 1.25, len(WARDS))
    codes, shares = list(ETHNIC_MIX), np.array(list(ETHNIC_MIX.values()))
    # Families of one origin live near each other: shares differ from ward to ward.
    mix = shares * rng.gamma(3.0, 1 / 3.0, (len(WARDS), len(codes)))
    mix[:, 0] = shares[0] * rng.uniform(0.85, 1.15, len(WARDS))
    mix /= mix.sum(1, keepdims=True)
    expected = (total * wards / wards.sum() / 16)[:, None, None, None] * mix[:, None, None, :]
    counts = rng.poisson(np.broadcast_to(expected, (len(WARDS), 8, 2, len(codes))))
    ward, age, sex, code = (axis.ravel() for axis in np.indices(counts.shape))
    return pl.DataFrame(
        {
            "ward_code": [ward_code(int(w)) for w in ward],
            "age": age + 10,
            "sex": np.array(["F", "M"])[sex],
            "ethnicity": np.array(codes)[code],
            "children": counts.ravel(),
        }
    ).filter(pl.col("children") > 0)
