"""The hotspot map for the YPSE panel: one HTML file that asks nothing of any network.

What is in the file is the disclosure, shown or not. So it holds no event, no point of an event, no
person, no children's home by name or place, and no count at or below the panel's threshold; shapes
are cells of a fixed grid or areas that agencies drew. Everything else here is drawing.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl
import shapely

from geo import hexagons
from geo.boundaries import polygons, to_degrees, ward_index
from geo.hotspots import SUPPRESSED, HotspotFinding, publish_hotspots
from profile_pipeline import tables
from profile_pipeline.plan.settings import Edition, ProfileSettings

# No source at all but what is written into the page.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
# Colours told apart with any colour vision: ColorBrewer YlOrBr for density, Okabe and Ito's and
# ColorBrewer PuOr for the rest; every layer differs in form or outline as well.
DENSITY = ("#fed98e", "#fe9929", "#b5460f")
HOMES = ("#d3dcec", "#9db2d6")
PREMISES, SCHOOLS, GANGS, CRIME_GROUPS, DRUGS, KNOWN, INK = (
    "#0072b2", "#2f3b4c", "#7b3294", "#c51b7d", "#00796b", "#4b5563", "#1d2433",
)  # fmt: skip
STATUS_LINE = {"new": "#8c1d40", "persistent": INK, "fading": "#6b7280"}
STATUS_DASH = {"new": None, "persistent": None, "fading": "6 6"}
# Hotspots are drawn to the nearest 100 m, wide enough to hold their events.
HOTSPOT_STEP_M = 100
# The density's cells are twice as wide as the test's: smaller ones would nearly all be suppressed.
DENSITY_SIDES = 2

# South, west, north, east in degrees: what an empty map shows.
GREAT_BRITAIN = (49.9, -6.4, 58.7, 1.8)

Feature = dict[str, Any]


def hotspot_map(
    finding: HotspotFinding,
    locations: pl.DataFrame,
    children: pl.DataFrame,
    wards: pl.DataFrame,
    places: pl.DataFrame,
    layers: pl.DataFrame,
    settings: ProfileSettings,
    credit_lines: Sequence[str] = (),
) -> str:
    """Return the panel's map as one HTML page, the same bytes for the same input.

    `finding` comes from `geo.hotspots.find_hotspots`, the rest are the frames it was made from
    (OFFENDING_LOCATION, children by row, WARD, PLACE, AREA_LAYER). `credit_lines` are those the
    suppliers of boundaries ask to be printed. Counts are judged by `settings.editions.panel`.
    """
    import offlinefolium as folium

    # A place of which nobody says where it is lies on no map.
    places = places.drop_nulls("easting_m")
    edition = settings.editions.panel
    published = publish_hotspots(finding.hotspots, edition)
    page = folium.Map(
        tiles=None, zoom_control="bottomright", control_scale=True, attributionControl=False
    )
    # Leaflet alone: no icon font, jQuery or Bootstrap in the page.
    page.default_js = [asset for asset in page.default_js if asset[0] == "leaflet"]
    page.default_css = [asset for asset in page.default_css if asset[0] == "leaflet_css"]
    page.options.update(maxZoom=16, minZoom=9, zoomSnap=0.25)
    side = settings.hotspots.hex_side_m
    hotspots = _hotspots(finding.hotspots, published)
    density = _density(locations, children, side, edition)
    # In the order of the legend; `order` says what lies on top, whatever is switched on last.
    _add(page, "Wards", 0, _wards(wards), control=False)
    _add(page, _hotspots_name(), 9, hotspots)
    _add(page, _density_name(edition), 2, density)
    for order, (kind, name, style, title) in enumerate(_AREAS, start=3):
        areas = layers.filter(pl.col("kind") == kind)
        _add(page, name, order, _areas(areas, style, title), show=kind == "known_hotspot")
    _add(page, _homes_name(), 1, _homes(wards, places), show=False)
    _add(page, _premises_name(), 7, _premises(places, side), show=False)
    _add(page, _schools_name(), 8, _schools(places), show=False)
    control = folium.LayerControl(collapsed=False)
    control.add_to(page)
    south, west, north, east = _bounds(wards)
    # Room at the right for the name of a hotspot on the border.
    page.fit_bounds(
        [[south, west], [north, east]], padding_top_left=(16, 16), padding_bottom_right=(64, 16)
    )
    _dress(page, control, _panel(finding, published, locations, settings, credit_lines), settings)
    _count_ids(page.get_root())
    return _tidy(page.get_root().render())


# --- layers: GeoJSON features with their style and what may be said about them -------------------


def _wards(wards: pl.DataFrame) -> list[Feature]:
    style = {"color": "#9aa3b2", "weight": 1.25, "fillColor": "#ffffff", "fillOpacity": 1}
    names = wards["ward"].to_list()
    return [
        _feature(shape, style, label=name)
        for shape, name in zip(_shapes(polygons(wards), 5), names, strict=True)
    ]


def _homes(wards: pl.DataFrame, places: pl.DataFrame) -> list[Feature]:
    """Wards by their number of children's homes in two bands: never a home's name or place."""
    homes = places.filter(pl.col("kind") == "childrens_home")
    ward = ward_index(homes["easting_m"].to_numpy(), homes["northing_m"].to_numpy(), wards)
    counts = np.bincount(ward[ward >= 0], minlength=wards.height)
    features = []
    rows = zip(_shapes(polygons(wards), 5), wards["ward"].to_list(), counts, strict=True)
    for shape, name, count in rows:
        if count == 0:
            continue
        many = int(count > 2)
        style = {"color": "#7d8ca8", "weight": 1, "fillColor": HOMES[many], "fillOpacity": 0.75}
        words = ("one or two", "three or more")[many]
        features.append(_feature(shape, style, title=name, lines=[["Children's homes", words]]))
    return features


def _density(
    locations: pl.DataFrame, children: pl.DataFrame, side_m: float, edition: Edition
) -> list[Feature]:
    """Cells with enough events and enough distinct children, in three bands; no cell below."""
    side = DENSITY_SIDES * side_m
    cells = density_cells(locations, children, side, edition)
    bands = _bands(edition)
    shapes = _shapes(hexagons.polygon_of(cells["q"].to_numpy(), cells["r"].to_numpy(), side), 6)
    return [
        _feature(
            shape,
            {"color": "#ffffff", "weight": 1, "fillColor": DENSITY[band], "fillOpacity": 0.75},
            tip=f"{bands[band]} offences",
        )
        for shape, band in zip(shapes, cells["band"].to_list(), strict=True)
    ]


def density_cells(
    locations: pl.DataFrame, children: pl.DataFrame, side_m: float, edition: Edition
) -> pl.DataFrame:
    """Return the cells that may be shown: q, r and band (0, 1, 2), never the count.

    A cell needs more usable events and more distinct children than the edition suppresses.
    """
    usable = locations.filter(pl.col("usable"))
    q, r = hexagons.cell_of(usable["easting_m"].to_numpy(), usable["northing_m"].to_numpy(), side_m)
    cell_of_event = usable.select("event_id").with_columns(pl.Series("q", q), pl.Series("r", r))
    people = locations.select(*tables.ROW_KEY, "event_id").join(children, on=list(tables.ROW_KEY))
    counted = (
        cell_of_event.join(
            people.select("event_id", "person_id").unique(), on="event_id", how="left"
        )
        .group_by("q", "r")
        .agg(
            pl.col("event_id").n_unique().alias("events"),
            pl.col("person_id").drop_nulls().n_unique().alias("children"),
        )
        .filter(pl.min_horizontal("events", "children") > edition.suppress_up_to)
    )
    second, third = _edges(edition)
    band = (pl.col("events") >= second).cast(pl.Int64) + (pl.col("events") >= third).cast(pl.Int64)
    return counted.select("q", "r", band.alias("band")).sort("q", "r")


def _areas(areas: pl.DataFrame, style: Mapping[str, Any], title: str) -> list[Feature]:
    """Areas that agencies drew, by kind alone: names and notes stay with the analyst."""
    if areas.is_empty():
        return []
    shapes = _shapes(polygons(areas.sort("area_id")), 5)
    return [_feature(shape, style, title=title) for shape in shapes]


def _premises(places: pl.DataFrame, side_m: float) -> list[Feature]:
    """Licensed premises by number in a cell: a public register, but no premises is pointed at."""
    side = DENSITY_SIDES * side_m
    its = places.filter(pl.col("kind") == "licensed_premises")
    q, r = hexagons.cell_of(its["easting_m"].to_numpy(), its["northing_m"].to_numpy(), side)
    cells = pl.DataFrame({"q": q, "r": r}).group_by("q", "r").len().sort("q", "r")
    east, north = hexagons.centre_of(cells["q"].to_numpy(), cells["r"].to_numpy(), side)
    radius = {0: 4, 1: 8, 2: 12}
    features = []
    for shape, count in zip(_shapes(shapely.points(east, north), 5), cells["len"], strict=True):
        band = int(count >= 3) + int(count >= 6)
        style = {"color": PREMISES, "weight": 1.5, "fillColor": PREMISES, "fillOpacity": 0.3}
        words = ("1-2", "3-5", "6 or more")[band]
        tip = f"{words} licensed premises in this cell"
        features.append(_feature(shape, {**style, "radius": radius[band]}, tip=tip))
    return features


def _schools(places: pl.DataFrame) -> list[Feature]:
    its = places.filter(pl.col("kind") == "school").sort("place_id")
    style = {"color": "#ffffff", "weight": 1.5, "fillColor": SCHOOLS, "fillOpacity": 1, "radius": 5}
    points = shapely.points(its["easting_m"].to_numpy(), its["northing_m"].to_numpy())
    return [
        _feature(shape, style, tip=f"{name} (school)")
        for shape, name in zip(_shapes(points, 5), its["name"].to_list(), strict=True)
    ]


def _hotspots(exact: pl.DataFrame, published: pl.DataFrame) -> list[Feature]:
    """Hotspots as circles set to a coarse step; none whose count is suppressed."""
    shown = exact.select("hotspot", "easting_m", "northing_m", "radius_m").join(
        published.filter(pl.col("count_band") != SUPPRESSED),
        on="hotspot",
        maintain_order="left",
    )
    if shown.is_empty():
        return []
    step = HOTSPOT_STEP_M
    centres = np.round(shown.select("easting_m", "northing_m").to_numpy() / step) * step
    radii = np.maximum(np.ceil(shown["radius_m"].to_numpy() / step), 2) * step
    areas = shapely.buffer(shapely.points(centres), radii, quad_segs=12)
    features = []
    for shape, row in zip(_shapes(areas, 5), shown.iter_rows(named=True), strict=True):
        colour = STATUS_LINE[row["status"]]
        style = {
            "color": colour,
            "weight": 3.5,
            "dashArray": STATUS_DASH[row["status"]],
            "fillColor": colour,
            "fillOpacity": 0.12,
        }
        features.append(
            _feature(
                shape,
                style,
                hotspot=row["hotspot"],
                status=row["status"],
                label=row["hotspot"],
                title=f"{row['hotspot']}, {row['status']}",
                lines=[["Offences", row["count_band"]], *_said(row)],
            )
        )
    return features


def _said(row: Mapping[str, Any]) -> list[list[str]]:
    """Return what may be said of a hotspot, as pairs of name and value."""
    names = {
        "Wards": row["wards"],
        "When": row["when"],
        "Kinds of place": row["kinds_of_place"],
        "Near": row["layers"],
    }
    return [[name, str(value)] for name, value in names.items() if value not in (None, SUPPRESSED)]


def _feature(shape: dict[str, Any], style: Mapping[str, Any], **about: Any) -> Feature:
    given = {"fill": True, **{key: value for key, value in style.items() if value is not None}}
    return {"type": "Feature", "geometry": shape, "properties": {**about, "style": given}}


def _shapes(shapes: Any, digits: int) -> list[dict[str, Any]]:
    """Return GeoJSON geometries in degrees; five digits are about a metre."""
    import json

    if not len(shapes):
        return []
    moved = to_degrees(np.asarray(shapes, dtype=object))
    # A grid before writing keeps the file small; `set_precision` would drop thin corners.
    rounded = shapely.transform(moved, lambda points: np.round(points, digits))
    return [json.loads(text) for text in shapely.to_geojson(rounded)]


def _bounds(wards: pl.DataFrame) -> tuple[float, float, float, float]:
    if wards.is_empty():
        return GREAT_BRITAIN
    west, south, east, north = shapely.total_bounds(to_degrees(polygons(wards)))
    return round(south, 4), round(west, 4), round(north, 4), round(east, 4)


# --- bands, names and legend ---------------------------------------------------------------------


def _edges(edition: Edition) -> tuple[int, int]:
    least = edition.suppress_up_to + 1
    return 2 * least, 4 * least


def _bands(edition: Edition) -> tuple[str, str, str]:
    least = edition.suppress_up_to + 1
    second, third = _edges(edition)
    return f"{least}-{second - 1}", f"{second}-{third - 1}", f"{third} or more"


def _key(*items: tuple[str, str]) -> str:
    """Return a legend line: style of the swatch and its words (both ours, nobody's data)."""
    swatches = "".join(
        f'<span><i {style} aria-hidden="true"></i>{escape(words)}</span>' for style, words in items
    )
    return f'<span class="key">{swatches}</span>'


def _fill(colour: str, line: str = "transparent", form: str = "", dash: str = "solid") -> str:
    return f'class="{form}" style="background:{colour};border:2px {dash} {line}"'


def _hotspots_name() -> str:
    items = [
        (_fill("transparent", colour, dash="dashed" if STATUS_DASH[status] else "solid"), status)
        for status, colour in STATUS_LINE.items()
    ]
    return f"Hotspots{_key(*items)}"


def _density_name(edition: Edition) -> str:
    items = [(_fill(colour), words) for colour, words in zip(DENSITY, _bands(edition), strict=True)]
    return f"Offence density, offences in a cell{_key(*items)}"


def _homes_name() -> str:
    items = [(_fill(HOMES[0]), "one or two"), (_fill(HOMES[1]), "three or more")]
    return f"Children's homes, by ward{_key(*items)}"


def _premises_name() -> str:
    items = [(_fill("#b3d4e8", PREMISES, form="round"), "larger: more premises in the cell")]
    return f"Licensed premises, by cell{_key(*items)}"


def _schools_name() -> str:
    return f"Schools{_key((_fill(SCHOOLS, form='dot'), 'a school'))}"


def _area_layer(
    kind: str,
    name: str,
    title: str,
    colour: str,
    tint: str,
    dash: tuple[str, str | None],
    fill: float,
) -> tuple[str, str, dict[str, Any], str]:
    style = {
        "color": colour,
        "weight": 2,
        "dashArray": dash[1],
        "fillColor": colour,
        "fillOpacity": fill,
    }
    swatch = _fill(tint, colour, dash=dash[0])
    return kind, f"{name}{_key((swatch, 'as partners supplied them'))}", style, title


_AREAS = (
    _area_layer(
        "known_hotspot",
        "Hotspots known before",
        "Hotspot known before",
        KNOWN,
        "transparent",
        ("dashed", "8 6"),
        0.03,
    ),
    _area_layer(
        "gang_territory",
        "Gang territories",
        "Gang territory",
        GANGS,
        "#e9dcef",
        ("solid", None),
        0.14,
    ),
    _area_layer(
        "crime_group_territory",
        "Organised crime group territories",
        "Organised crime group territory",
        CRIME_GROUPS,
        "#f7dcea",
        ("dashed", "12 4"),
        0.12,
    ),
    _area_layer(
        "drug_hotspot", "Drug hotspots", "Drug hotspot", DRUGS, "#d5eae7", ("dotted", "2 5"), 0.16
    ),
)


# --- the page ------------------------------------------------------------------------------------


def _panel(
    finding: HotspotFinding,
    published: pl.DataFrame,
    locations: pl.DataFrame,
    settings: ProfileSettings,
    credit_lines: Sequence[str],
) -> str:
    """Return the text beside the map, every value escaped."""
    import jinja2

    edition, side = settings.editions.panel, settings.hotspots.hex_side_m
    period = f"{settings.period.start:%-d %B %Y} to {settings.period.end:%-d %B %Y}"
    template = jinja2.Environment(autoescape=True).from_string(_text_of("map_panel.html"))
    return template.render(
        marking=settings.protective_marking,
        synthetic=settings.synthetic,
        title=settings.title,
        area=settings.area.name,
        period=period,
        cards=[_card(row) for row in published.iter_rows(named=True)],
        no_hotspots=_why_none(finding, settings),
        shown=_what_is_shown(locations, settings),
        not_shown=[
            "Offences as points, children, suspects, addresses and children's homes: none of them "
            "is in this file in any form.",
            f"Any cell or hotspot with {edition.suppress_up_to} or fewer offences or children. "
            "An empty cell means few or none.",
            "Offences that happened online, that have no place, or whose place is only the point "
            "that a system gives when the place is not known.",
            "Harm that nobody reported or recorded: a quiet area is not a safe one.",
        ],
        method=_method(side, settings),
        facts=[
            ("Period", period),
            ("As at", f"{settings.as_at:%-d %B %Y}"),
            ("Baseline", finding.baseline),
            ("Version", settings.version),
            *([("Author", settings.author)] if settings.author else []),
            *(("Source", line) for line in credit_lines),
        ],
    )


def _card(row: Mapping[str, Any]) -> dict[str, Any]:
    suppressed = row["count_band"] == SUPPRESSED
    return {
        "hotspot": row["hotspot"],
        "status": row["status"],
        "count": "too few to show" if suppressed else f"{row['count_band']} offences",
        "lines": _said(row),
    }


def _why_none(finding: HotspotFinding, settings: ProfileSettings) -> str:
    if not finding.events:
        return (
            "No offence with a usable place is held, so none can be told: that no hotspot is shown "
            "doesn't mean that there is none."
        )
    if finding.baseline == "none":
        return finding.note
    if finding.events < settings.hotspots.minimum_events:
        return (
            f"None inferred: fewer than {settings.hotspots.minimum_events} offences have a usable "
            "place, and with so few chance alone makes patterns."
        )
    return "None: offences lie no closer together than the baseline explains."


def _what_is_shown(locations: pl.DataFrame, settings: ProfileSettings) -> list[str]:
    events = locations["event_id"].n_unique()
    usable = int(locations["usable"].sum())
    share = f"{100 * usable / events:.0f}%" if events >= 20 else "Part"
    return [
        "Hotspots: where more recorded offences with a CSE flag happened than the baseline "
        "explains.",
        f"{share} of the offences recorded in the period have a place that can be used."
        if events
        else "No recorded offence is held for the period: the map says nothing of where they are.",
        f"Offence density: offences in cells of {DENSITY_SIDES * settings.hotspots.hex_side_m:g} m "
        "side, in bands. It shows density, not significance.",
        "Registers and areas supplied by partners: children's homes by ward, licensed premises by "
        "cell, schools, gang territories, drug hotspots and hotspots known before.",
    ]


def _method(side_m: float, settings: ProfileSettings) -> list[str]:
    rate = settings.hotspots.false_discovery_rate
    return [
        f"The area is laid out in hexagons of {side_m:g} m side. The offences in each hexagon and "
        "its six neighbours are compared with what the baseline named below leads one to expect, "
        "by an exact binomial test. The limit is set so that about "
        f"{rate:.0%} of the places called hotspots would be so by chance (Benjamini and Hochberg).",
        "Each offence counts once. A hotspot is drawn as a circle around the mean of its offences "
        f"that holds nine in ten of them, to the nearest {HOTSPOT_STEP_M} m.",
    ]


def _text_of(name: str) -> str:
    return files("geo").joinpath(name).read_text(encoding="utf-8")


def _add(
    page: Any,
    name: str,
    order: int,
    features: list[Feature],
    show: bool = True,
    control: bool = True,
) -> None:
    import offlinefolium as folium

    for feature in features:
        feature["properties"]["order"] = order
    folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        name=name,
        show=show,
        control=control,
        smooth_factor=0.3,
        marker=folium.CircleMarker(),
        on_each_feature=folium.JsCode("describeFeature"),
    ).add_to(page)


def _dress(page: Any, control: Any, panel: str, settings: ProfileSettings) -> None:
    """Put policy, styles, panel and script into the page.

    Texts go in as values, never as templates: braces in an agency's data are not to be run.
    """
    from branca.element import MacroElement
    from jinja2 import Template

    class Dressing(MacroElement):
        _template = Template(
            "{% macro header(this, kwargs) %}{{ this.head }}{% endmacro %}"
            "{% macro html(this, kwargs) %}{{ this.panel }}{% endmacro %}"
            "{% macro script(this, kwargs) %}"
            "startProfileMap({{ this.map_name() }}, {{ this.control_name() }});{% endmacro %}"
        )

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self._name = "Dressing"
            self.head, self.panel = _text_of("map_head.html"), panel
            self.map_name, self.control_name = page.get_name, control.get_name

    page.get_root().title = escape(f"{settings.title}: hotspot map")
    page.add_child(Dressing())


def _walk(element: Any) -> Iterator[Any]:
    yield element
    for part in ("header", "html", "script"):
        if hasattr(element, part):
            yield from _walk(getattr(element, part))
    for child in element._children.values():
        yield from _walk(child)


def _count_ids(root: Any) -> None:
    """Give the page's elements counted ids: folium's are random, and so would be the bytes."""
    for number, element in enumerate(_walk(root)):
        element._id = f"{number:04d}"


def _tidy(page: str) -> str:
    """Return the page with its language, its policy first, and zooming by pinch allowed."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'
    page = page.replace("<html>", '<html lang="en-GB">', 1)
    page = page.replace("<head>", f"<head>\n    {policy}", 1)
    return page.replace(", maximum-scale=1.0, user-scalable=no", "", 1).replace(
        "initial-scale=1.0, maximum-scale=1.0, user-scalable=no", "initial-scale=1.0", 1
    )
