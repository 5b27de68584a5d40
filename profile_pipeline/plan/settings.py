"""Settings of `profile.yaml`: thresholds and rules a partnership may change, with their defaults.

Every default names its source. Objects only; reading and checking of YAML is in `load.py`.
"""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from profile_pipeline.tables import LEVEL_SCHEMES, RISK_LEVELS


class Strict(BaseModel):
    """A part of the plan: unknown keys are errors, values can't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class TermsOfReference(Strict):
    """What the profile is for and how it is made (the strategy's first step)."""

    aim: str
    objectives: tuple[str, ...] = Field(min_length=1)
    methodology: str
    time_frames: str
    required_outputs: tuple[str, ...] = Field(min_length=1)
    resources: str
    agreed_by: str = ""
    agreed_on: date | None = None


class Area(Strict):
    """The area the partnership answers for."""

    name: str
    responsible_authority: str
    code: str = Field(
        default="",
        pattern=r"^([EWNS]\d{8})?$",
        description="ONS code of the local authority, for figures of the area as a whole",
    )
    region: str = ""
    postcode_districts: tuple[str, ...] = Field(
        default=(),
        description="districts that count as the area; empty: those of the postcode directory",
    )
    id_issuers: tuple[str, ...] = Field(
        default=(), description="issuers of local ids that only the area's own children hold"
    )


class Period(Strict):
    """The days the profile covers, whole fiscal quarters."""

    start: date
    end: date

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Period":
        if self.end < self.start:
            raise ValueError(f"the period ends ({self.end}) before it starts ({self.start})")
        return self


class LevelChange(Strict):
    """From a day on, the team's tracker uses other risk levels.

    With a `crosswalk` (new level -> earlier one) the series goes on in the earlier levels; without
    one the new levels stand on their own. Either way the break is printed.
    """

    first_day: date
    levels: tuple[str, ...] = Field(min_length=1)
    crosswalk: dict[str, str] = Field(default_factory=dict)
    why: str = Field(min_length=1, description="who decided the change, and what it means")

    @model_validator(mode="after")
    def _crosswalk_is_whole(self) -> "LevelChange":
        left = [level for level in self.levels if level not in self.crosswalk]
        if self.crosswalk and left:
            raise ValueError(f"the crosswalk leaves out {', '.join(left)}")
        return self


class TrackerRule(Strict):
    """Who counts as open and at risk at the end of a quarter (DESIGN: a setting, not code)."""

    open_statuses: tuple[str, ...] = ("open",)
    at_risk_levels: tuple[str, ...] = RISK_LEVELS
    under_age: int = Field(default=18, ge=1, description="years, on the last day of the quarter")
    level_changes: tuple[LevelChange, ...] = Field(
        default=(), description="dated changes of the levels, earliest first"
    )

    def levels_on(self, day: date) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the levels in force on a day as they are counted, and level written -> counted."""
        counted = self.at_risk_levels
        written = {level: level for level in counted}
        for change in self.level_changes:
            if change.first_day > day:
                break
            if change.crosswalk:
                written = dict(change.crosswalk)
                counted = tuple(dict.fromkeys(change.crosswalk[level] for level in change.levels))
            else:
                written = {level: level for level in change.levels}
                counted = change.levels
        return counted, written

    def unexplained_on(self, day: date) -> tuple[str, ...]:
        """Return the levels that the plan neither counts nor leaves out on a day.

        They are those of a scheme none of whose levels is in force: a team that changed its levels
        without a word to the plan writes them. A level left out of the scheme in force is the
        plan's choice.
        """
        _, written = self.levels_on(day)
        others = (scheme for scheme in LEVEL_SCHEMES if not written.keys() & set(scheme))
        return tuple(level for scheme in others for level in scheme)


class ScreeningGroup(Strict):
    """A group the strategy wants screened routinely, and the datasets that list it."""

    group: str
    datasets: tuple[str, ...] = Field(min_length=1)
    minimum_age: int = Field(default=0, description="years; DART referrals count from 10")


class ReturnInterviewRule(Strict):
    """Statutory guidance (DfE 2014): within 72 hours of return; exactly 72.0 is on time."""

    hours: float = 72


class LinkageSettings(Strict):
    """Splink's engine, thresholds (match weights, log2) and seed."""

    engine: Literal["duckdb", "spark"] = "duckdb"
    threshold: float = Field(default=5.0, description="match weight from which a pair may join")
    review_from: float = Field(
        default=0.0, description="match weight from which a pair is reviewed"
    )
    strict_threshold: float = Field(
        default=14.0, description="weight of a link that needs no doubt"
    )
    review_limit: int = Field(default=200, ge=0, description="pairs in the clerical review")
    review_sample: int = Field(
        default=150, ge=0, description="pairs drawn to estimate precision and recall"
    )
    retrain: bool = Field(default=False, description="train the model afresh on the next run")
    seed: int = 20160331


class DefaultGeocode(Strict):
    """A point that a system gives to events whose place it doesn't know."""

    easting_m: float
    northing_m: float
    why: str
    radius_m: float = 1


class HotspotSettings(Strict):
    """Exact binomial hotspots on hexagons; defaults from simulations at a borough's counts."""

    hex_side_m: float = Field(default=250, gt=0)
    false_discovery_rate: float = Field(default=0.05, gt=0, lt=1)
    minimum_events: int = Field(default=50, description="no inference below (events)")
    margin_m: float = Field(default=3000, description="how far outside the area events still count")
    baseline: Literal["addresses", "residents"] = "addresses"
    default_geocodes: tuple[DefaultGeocode, ...] = ()
    near_m: float = Field(default=500, description="a context layer is near within (metres)")


class Edition(Strict):
    """Disclosure control of one audience (DESIGN section 4)."""

    suppress_up_to: int = Field(ge=2, description="counts from 1 to this are suppressed")
    round_to: int = Field(default=1, ge=1)
    minimum_denominator: int = Field(default=10, description="percentages need this many")


class Editions(Strict):
    """The audiences outside the analyst's desk."""

    panel: Edition = Edition(suppress_up_to=4)
    sub_group: Edition = Edition(suppress_up_to=4)
    public: Edition = Edition(suppress_up_to=7, round_to=5, minimum_denominator=20)


class GapLimits(Strict):
    """When a weakness of the data becomes an intelligence gap (percent unless said)."""

    not_recorded_percent: float = 20
    ungraded_percent: float = 10
    screened_percent: float = Field(default=50, description="coverage below which a group is a gap")
    late_or_no_interview_percent: float = 20
    referral_share_percent: float = Field(
        default=5, description="a referral source below this share of children is a gap"
    )
    reports_per_premises: int = Field(default=5, description="reports in a year on one premises")
    linked_percent: float = Field(default=95, description="CP-IS: matched records, below is a gap")
    days_to_answer: int = Field(
        default=60, description="days from the as-at date to a gap's due date"
    )
    minimum_months: int = Field(
        default=12, description="a shorter period can't show a pattern (IICSA)"
    )
    refresh_months: int = Field(
        default=12,
        ge=1,
        description="a dataset's newest quarter may be this old (IICSA: never refreshed)",
    )
    no_type_percent: float = Field(
        default=20,
        description="records of a child open to the team that give no type of exploitation",
    )


class Limit(Strict):
    """From when a measure of quality is amber and from when red; higher is worse."""

    amber: float = Field(ge=0)
    red: float = Field(ge=0)

    @model_validator(mode="after")
    def _amber_comes_first(self) -> "Limit":
        if self.red < self.amber:
            raise ValueError(f"red ({self.red:g}) begins before amber ({self.amber:g})")
        return self


class QualityLimits(Strict):
    """Red, amber and green of a delivery (`quality:`); a value at the limit has reached it.

    IICSA (2022) found profiles with a third of reports without the type of exploitation and the
    risk level missing in 39%: 20% not recorded is red, as it is an intelligence gap. The other
    defaults are working limits without a published source, for the partnership to set.
    """

    days_late: Limit = Limit(amber=1, red=28)
    columns_missing: Limit = Limit(amber=1, red=3)
    quarantined_percent: Limit = Limit(amber=1, red=5)
    repaired_percent: Limit = Field(
        default=Limit(amber=5, red=20), description="cells mended or blanked, per 100 rows"
    )
    duplicate_percent: Limit = Limit(amber=1, red=5)
    incomplete_percent: Limit = Field(
        default=Limit(amber=5, red=20), description="records that don't give a core field"
    )
    incomplete_by_field: dict[str, Limit] = Field(
        default_factory=dict, description="other limits of single fields, such as ethnicity_code"
    )
    unknown_values: Limit = Field(
        default=Limit(amber=1, red=10), description="spellings that no table knows"
    )
    expectations_failed: Limit = Limit(amber=1, red=3)
    volume_limit: float = Field(
        default=3.5,
        gt=0,
        description="robust z-score from which rows are an outlier (Iglewicz and Hoaglin 1993)",
    )
    volume_quarters: int = Field(
        default=3, ge=3, description="earlier quarters needed to judge the number of rows"
    )


class ProfileSettings(Strict):
    """`profile.yaml` as a whole."""

    title: str
    version: str = "1"
    author: str = ""
    protective_marking: str = "OFFICIAL-SENSITIVE"
    synthetic: bool = Field(default=False, description="print that all people are invented")
    terms_of_reference: TermsOfReference
    area: Area
    period: Period
    as_at: date
    data: Path = Path("data")
    reference: Path = Path("reference")
    tracker: TrackerRule = TrackerRule()
    screening_groups: tuple[ScreeningGroup, ...] = ()
    return_interviews: ReturnInterviewRule = ReturnInterviewRule()
    overlap_at_least: int = Field(
        default=3, description="indicators from which a child is in the cohort"
    )
    linkage: LinkageSettings = LinkageSettings()
    hotspots: HotspotSettings = HotspotSettings()
    editions: Editions = Editions()
    gaps: GapLimits = GapLimits()
    quality: QualityLimits = QualityLimits()
