"""The plan's `context:` list: registers and layers that are not about people.

Wards, postcodes, population, places, territories and regional figures: which file holds each, who
supplies it, and which of its columns means what. Objects only; reading is in `intake.context` (CSV)
and `geo.boundaries` (GeoJSON).
"""

from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from profile_pipeline.errors import PlanError, Problem
from profile_pipeline.plan.settings import Strict

ContextKind = Literal[
    "wards",
    "postcodes",
    "population",
    "childrens_homes",
    "licensed_premises",
    "schools",
    "gang_territories",
    "crime_group_territories",
    "drug_hotspots",
    "known_hotspots",
    "regional_summary",
]


class Names(NamedTuple):
    """Standard names of a kind: those it can't do without and those it may have."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every standard name, the required ones first."""
        return self.required + self.optional


_PLACE = Names(
    ("place_id", "name"),
    ("easting_m", "northing_m", "category", "address", "postcode", "capacity"),
)
_CIRCLE = Names(("area_id", "easting_m", "northing_m", "radius_m"), ("name", "note"))
_POLYGON = Names(("area_id",), ("name", "note"))

CSV_NAMES: dict[str, Names] = {
    "postcodes": Names(("postcode", "easting_m", "northing_m"), ("ward_code",)),
    "population": Names(("ward_code", "age_years", "sex", "ethnicity_code", "population")),
    "childrens_homes": _PLACE,
    "licensed_premises": _PLACE,
    "schools": _PLACE,
    "gang_territories": _CIRCLE,
    "crime_group_territories": _CIRCLE,
    "drug_hotspots": _CIRCLE,
    "known_hotspots": _CIRCLE,
    "regional_summary": Names(
        ("authority", "quarter", "total"), ("at_risk", "significant", "serious")
    ),
}
GEOJSON_NAMES: dict[str, Names] = {
    "wards": Names(("ward_code", "ward")),
    "gang_territories": _POLYGON,
    "crime_group_territories": _POLYGON,
    "drug_hotspots": _POLYGON,
    "known_hotspots": _POLYGON,
}
# What the tables call a row of each kind (tables.PLACE, tables.AREA_LAYER).
PLACE_KINDS = {
    "childrens_homes": "childrens_home",
    "licensed_premises": "licensed_premises",
    "schools": "school",
}
AREA_KINDS = {
    "gang_territories": "gang_territory",
    "crime_group_territories": "crime_group_territory",
    "drug_hotspots": "drug_hotspot",
    "known_hotspots": "known_hotspot",
}
GEOJSON_SUFFIXES = (".geojson", ".json")
WORKBOOK_SUFFIXES = (".xlsx",)


class Extent(NamedTuple):
    """The area's own box with its margin (EPSG:27700, metres), its ward codes and its own code."""

    west: float
    south: float
    east: float
    north: float
    ward_codes: frozenset[str] = frozenset()
    area_code: str = ""

    def widened(self, metres: float) -> "Extent":
        """Return the extent with so much more around it."""
        return self._replace(
            west=self.west - metres,
            south=self.south - metres,
            east=self.east + metres,
            north=self.north + metres,
        )


# Groups and markets of the next towns matter to the area; what lies farther off than a short drive
# (metres beyond the margin) is taken to have come by mistake, or in a file of the whole country.
AREA_REACH_M = 20_000


class ContextRead(Strict):
    """How a context file is read; the usual CSV, XLSX and GeoJSON need nothing."""

    encoding: str = "utf-8"
    sheet: str | None = Field(
        default=None,
        description="of a workbook; the first visible one, for official figures every one",
    )
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    header_row: int = Field(default=1, ge=1, description="line of the header, from 1")
    crs: Literal["EPSG:27700", "EPSG:4326"] | None = Field(
        default=None, description="coordinate system of a GeoJSON file that doesn't name its own"
    )

    @field_validator("delimiter", mode="before")
    @classmethod
    def _tab_has_a_name(cls, value: object) -> object:
        return "\t" if value in ("tab", "\\t") else value

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(
                f"no encoding is called '{value}': usual ones are utf-8 and cp1252"
            ) from None
        return value


class SmallAreas(Strict):
    """A lookup of smaller areas (such as LSOA) to wards, so that their figures can be added up."""

    file: str = Field(min_length=1, description="CSV below the reference root")
    code: str = Field(min_length=1, description="its column of small areas' codes")
    ward: str = Field(min_length=1, description="its column of wards' codes")

    @field_validator("file")
    @classmethod
    def _stays_below_the_reference_root(cls, value: str) -> str:
        return below_reference(value)


def below_reference(value: str) -> str:
    """Return the path; raise ValueError when it leads out of the reference root."""
    path = PurePosixPath(value)
    if "\\" in value or ":" in value or path.is_absolute() or ".." in path.parts:
        raise ValueError(
            "the file must lie below the reference root: write its path from there, with /"
        )
    return value


class ContextSource(Strict):
    """A register or layer: what it is, who supplies it and why, its file and its columns.

    `columns` maps a standard name to the file's column (`easting_m: easting`); a standard name that
    isn't mapped is read from the column of the same name, if there is one. `only` keeps the rows
    whose column holds one of the values given (`Status: [Active]`).
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: ContextKind
    agency: str = Field(min_length=1, description="who supplies it")
    why: str = Field(min_length=1)
    file: str = Field(min_length=1, description="path below the reference root")
    read: ContextRead = ContextRead()
    columns: dict[str, str] = Field(default_factory=dict)
    only: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    areas: SmallAreas | None = Field(
        default=None, description="population of smaller areas: which ward each lies in"
    )

    @field_validator("file")
    @classmethod
    def _stays_below_the_reference_root(cls, value: str) -> str:
        return below_reference(value)

    @model_validator(mode="after")
    def _columns_have_standard_names(self) -> "ContextSource":
        if self.kind not in (GEOJSON_NAMES if self.is_geojson else CSV_NAMES):
            form = "a CSV or XLSX file" if self.is_geojson else "a GeoJSON file (.geojson or .json)"
            raise ValueError(f"{self.kind} must be {form}")
        if self.areas and self.kind != "population":
            raise ValueError("`areas` goes with the kind population")
        known = self.names.all
        for name in self.columns:
            if name not in known:
                near = get_close_matches(name, known, n=1, cutoff=0.5)
                hint = f", did you mean '{near[0]}'?" if near else "."
                raise ValueError(
                    f"{self.kind} has no standard name '{name}'{hint} "
                    f"The standard names are {', '.join(known)}"
                )
        return self

    @property
    def is_geojson(self) -> bool:
        """Whether the file is GeoJSON, by its ending."""
        return self.file.lower().endswith(GEOJSON_SUFFIXES)

    @property
    def is_workbook(self) -> bool:
        """Whether the file is an Excel workbook, by its ending."""
        return self.file.lower().endswith(WORKBOOK_SUFFIXES)

    @property
    def names(self) -> Names:
        """The standard names of this kind in this form of file."""
        return (GEOJSON_NAMES if self.is_geojson else CSV_NAMES)[self.kind]

    def column(self, name: str) -> str:
        """Return the file's column for a standard name: the mapped one, or the name itself."""
        return self.columns.get(name, name)


def context_path(source: ContextSource, root: Path, file: str | None = None) -> Path:
    """Return the source's file (or another it names) below the reference root, links followed.

    Raises PlanError when a link leads outside the root: nothing outside is ever read.
    """
    top = root.resolve()
    path = (top / (file or source.file)).resolve()
    if not path.is_relative_to(top):
        raise PlanError(
            Problem(
                f"collection_plan.yaml, context {source.id}",
                f"'{file or source.file}' is a link out of the reference folder.",
                "Copy the file into the folder.",
            )
        )
    return path
