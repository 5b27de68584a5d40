"""The contract of every table: name, key, columns, types, units and who may see it.

One source for schema checks, column metadata in the Dagster UI, empty frames and documentation.
A step returns a frame; `conform` holds it to its contract before it is kept. No reading or writing
of data here, and no rule of the method.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from profile_pipeline.errors import ContractError

Dtype = DataType | DataTypeClass

RESTRICTED = "restricted"
SUB_GROUP = "sub_group"


@dataclass(frozen=True)
class Column:
    """A column: its name, polars type, what it holds (unit and meaning of null included)."""

    name: str
    dtype: Dtype
    description: str
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    """A table of the warehouse: asset key `[schema, name]`, group the step of the method."""

    schema: str
    name: str
    group: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    audience: str = RESTRICTED

    @property
    def asset_key(self) -> tuple[str, str]:
        """The Dagster asset key, which is the DuckDB schema and table."""
        return self.schema, self.name

    @property
    def polars_schema(self) -> dict[str, Dtype]:
        """Column names and types, in order."""
        return {column.name: column.dtype for column in self.columns}


def _columns(*specs: tuple[str, Dtype, str]) -> tuple[Column, ...]:
    return tuple(
        Column(name.rstrip("!"), dtype, description, nullable=not name.endswith("!"))
        for name, dtype, description in specs
    )


TEXT, WHOLE, REAL, DAY, FLAG = pl.String, pl.Int64, pl.Float64, pl.Date, pl.Boolean
MOMENT = pl.Datetime("us")
TEXTS = pl.List(pl.String)

ROW = _columns(
    ("dataset!", TEXT, "id of the dataset in the collection plan"),
    ("file!", TEXT, "file's path below the data root, as delivered"),
    ("row!", WHOLE, "data row in the file, from 0; blank, title and totals rows not counted"),
)
ROW_KEY = ("dataset", "file", "row")
SUBJECT = (*ROW, *_columns(("role!", TEXT, "child, suspect, or another role the plan names")))
SUBJECT_KEY = (*ROW_KEY, "role")
# Roles whose people are children: a row may speak of a second one (`linked_child`).
CHILD_ROLE = r"^(?:\w+[_ ])?child(?:[_ ]\w+)?$|^victim$"
DATED = (
    *ROW,
    *_columns(
        ("quarter!", TEXT, "fiscal quarter the row speaks of, by its own date"),
        ("date!", DAY, "date of the event, or last day of the quarter for a snapshot"),
    ),
)
FAULT = (
    *_columns(
        ("dataset!", TEXT, "id of the dataset"),
        ("file!", TEXT, "file's path below the data root"),
        ("row!", WHOLE, "data row in the file, from 0"),
        ("column", TEXT, "column as the agency heads it; null when the row as a whole is meant"),
        ("value", TEXT, "the cell as received (person-level: never leaves the warehouse)"),
        ("rule!", TEXT, "id of the rule"),
        ("reason!", TEXT, "what is wrong, in words"),
    ),
)

RECEIVED_META = ("_file", "_row", "_sha256", "_quarter")

# --- quality ------------------------------------------------------------------------------------

QUARANTINE = Table(
    "quality",
    "quarantine",
    "records",
    "Rows that could not be used, with rule and reason.",
    (),
    FAULT,
)
REPAIRS = Table(
    "quality", "repairs", "records", "Cells mended or blanked while the row was kept.", (), FAULT
)
FATES = ("harmonised", "kept_apart", "quarantined", "duplicate", "superseded")
FATE = Table(
    "quality",
    "fate",
    "people",
    "What became of every received row: exactly one fate each.",
    ROW_KEY,
    (
        *ROW,
        *_columns(
            ("quarter!", TEXT, "quarter the file was delivered for"),
            ("fate!", TEXT, "harmonised, kept_apart, quarantined, duplicate or superseded"),
            ("rule", TEXT, "rule that decided, null for harmonised"),
        ),
    ),
)
DUPLICATE = Table(
    "quality",
    "duplicate",
    "records",
    "Rows that stand earlier in the same file, to the letter.",
    ROW_KEY,
    (*ROW, *_columns(("kept_row!", WHOLE, "the earlier row, which counts"))),
)
CONTEXT_DELIVERY = Table(
    "quality",
    "context_delivery",
    "collection",
    "Registers and layers of the plan: what was read and what is wrong.",
    ("source",),
    _columns(
        ("source!", TEXT, "id of the context source in the plan"),
        ("kind!", TEXT, "kind of register or layer"),
        ("agency!", TEXT, "who supplies it"),
        ("file!", TEXT, "path below the reference root"),
        ("status!", TEXT, "loaded or unreadable"),
        ("rows!", WHOLE, "rows that can be used (count)"),
        ("rows_refused!", WHOLE, "rows that can't (count)"),
        ("problem", TEXT, "what is wrong, in words"),
    ),
)
CONTEXT_FAULT = Table(
    "quality",
    "context_fault",
    "collection",
    "Rows of registers and layers that could not be used, with rule and reason.",
    (),
    FAULT,
)
DELIVERY = Table(
    "quality",
    "delivery",
    "collection",
    "One row a dataset, quarter and file that was due or arrived: the delivery manifest.",
    (),
    _columns(
        ("dataset!", TEXT, "id of the dataset"),
        ("agency!", TEXT, "name of the agency"),
        ("quarter!", TEXT, "fiscal quarter the delivery is for"),
        ("file", TEXT, "path below the data root; null when nothing arrived"),
        ("sha256", TEXT, "hash of the file's bytes; null when nothing arrived"),
        ("due_on", DAY, "date the delivery was due"),
        ("arrived_on", DAY, "date of the file; null when nothing arrived"),
        (
            "status!",
            TEXT,
            "loaded, missing, awaited, unreadable, unusable, refused, unexpected or superseded",
        ),
        ("rows", WHOLE, "data rows in the file (count)"),
        ("superseded_by", TEXT, "the newer file of the same quarter"),
        ("problem", TEXT, "what is wrong with the file, or which file it takes the place of"),
        (
            "carries",
            TEXT,
            "quarters that a loaded file of a year or more tells of, comma-separated: a year's all"
            " of the year, one that comes once those that date its rows, its own among them; null"
            " for the others, which tell of their own",
        ),
    ),
)
HOLDING = Table(
    "quality",
    "holding",
    "records",
    "What the plan's datasets can tell and whether it came, by quarter: nought or not known.",
    ("kind", "name", "quarter"),
    _columns(
        ("kind!", TEXT, "measure, field, indicator, role or dataset"),
        ("name!", TEXT, "its id; a field as `measure.field`"),
        ("quarter!", TEXT, "fiscal quarter it speaks of"),
        (
            "state!",
            TEXT,
            "held, partly (a file is missing, another came), not received, not supplied",
        ),
        (
            "datasets!",
            TEXT,
            "datasets of the plan that supply it, joined by commas; empty for none",
        ),
    ),
)
MISSING_COLUMN = Table(
    "quality",
    "missing_column",
    "collection",
    "Columns that the plan maps and a file lacks.",
    ("dataset", "file", "column"),
    _columns(
        ("dataset!", TEXT, "id of the dataset"),
        ("file!", TEXT, "file's path below the data root"),
        ("quarter!", TEXT, "quarter the file was delivered for"),
        ("column!", TEXT, "column as the plan names it"),
        ("used_for!", TEXT, "what can't be told without it"),
    ),
)
HEADING = Table(
    "quality",
    "heading",
    "collection",
    "What each file calls each column of the plan.",
    ("dataset", "file", "column"),
    _columns(
        ("dataset!", TEXT, "id of the dataset"),
        ("file!", TEXT, "file's path below the data root"),
        ("quarter!", TEXT, "quarter the file was delivered for"),
        ("column!", TEXT, "column as the plan names it"),
        ("heading!", TEXT, "heading as received in that file"),
    ),
)
FILE_ROWS = Table(
    "quality",
    "file_row",
    "records",
    "Where rows stand in the agency's own file as a spreadsheet shows it, run by run.",
    ("dataset", "file", "from_row"),
    _columns(
        ("dataset!", TEXT, "id of the dataset"),
        (
            "file!",
            TEXT,
            "file's path below the data root; only files whose rows have certain places",
        ),
        ("from_row!", WHOLE, "first data row of the run, from 0"),
        ("shift!", WHOLE, "what is added to a data row of the run to give the file's row, from 1"),
    ),
)
LINEAGE = Table(
    "quality",
    "lineage",
    "records",
    "Which column of which file every harmonised field comes from.",
    ("dataset", "file", "table", "role", "indicator", "field", "place"),
    _columns(
        ("dataset!", TEXT, "id of the dataset"),
        ("file!", TEXT, "file's path below the data root"),
        ("table!", TEXT, "harmonised table, such as records.subject"),
        ("role!", TEXT, "role of the person; empty for a measure"),
        ("indicator!", TEXT, "indicator that the columns evidence; empty for other tables"),
        ("field!", TEXT, "column of the harmonised table"),
        ("place!", WHOLE, "1, 2 ...: a field made of several columns lists them in order"),
        ("column!", TEXT, "heading as received in that file, as in received.<dataset>"),
        ("blank_filled_from", TEXT, "list that fills a blank cell (`dataset: column`)"),
    ),
)
UNKNOWN_VALUE = Table(
    "quality",
    "unknown_value",
    "records",
    "Values that no code list knows, by dataset and column, with a suggestion.",
    ("dataset", "column", "value"),
    _columns(
        ("dataset!", TEXT, "id of the dataset"),
        ("column!", TEXT, "column as the agency heads it"),
        ("codes!", TEXT, "code list consulted"),
        ("value!", TEXT, "value as written"),
        ("rows!", WHOLE, "rows that hold it (count)"),
        ("suggestion", TEXT, "nearest known spelling's standard value, if any is near"),
    ),
)
EXPECTATION = Table(
    "quality",
    "expectation",
    "records",
    "Result of every expectation on every dataset; rules and counts, never values.",
    ("dataset", "rule"),
    _columns(
        ("dataset!", TEXT, "id of the dataset"),
        ("rule!", TEXT, "id of the expectation"),
        ("level!", TEXT, "row or dataset"),
        ("severity!", TEXT, "warning or critical"),
        ("checked!", WHOLE, "rows checked (count)"),
        ("failed!", WHOLE, "rows that failed (count)"),
        ("passed!", FLAG, "whether the expectation holds"),
        ("description!", TEXT, "the expectation in words"),
    ),
)

# --- records ------------------------------------------------------------------------------------

PERSON_RECORD = Table(
    "records",
    "subject",
    "records",
    "One row a person spoken of in a received row, harmonised; the input of the linkage.",
    SUBJECT_KEY,
    (
        *SUBJECT,
        *_columns(
            ("record_id!", TEXT, "dataset, file, row and role, joined by colons"),
            ("quarter!", TEXT, "fiscal quarter the row speaks of"),
            ("date!", DAY, "date the row speaks of"),
            ("forename", TEXT, "forename as written, white space tidied; null not given"),
            ("surname", TEXT, "surname as written, white space tidied; null not given"),
            ("other_names", TEXTS, "nicknames, aliases and former names as written"),
            ("date_of_birth", DAY, "null when not given or impossible"),
            ("birth_year", WHOLE, "year of birth where no date of birth is known; null otherwise"),
            ("age_years", WHOLE, "age in whole years at `date`, given or reckoned; null unknown"),
            ("sex", TEXT, "female or male; null not recorded"),
            (
                "ethnicity_code",
                TEXT,
                "DfE ethnicity code (WBRI ...), self-defined; null not recorded",
            ),
            ("ethnic_group", TEXT, "White, Mixed, Asian, Black or Other; null not recorded"),
            (
                "appearance_code",
                TEXT,
                "officer-defined IC code; not self-defined, never mixed with it",
            ),
            ("disability", TEXT, "yes or no; null not recorded"),
            ("postcode", TEXT, "full postcode, upper case with one space (`DY1 1AA`)"),
            ("postcode_sector", TEXT, "sector (`DY1 1`), from the postcode or given alone"),
            ("postcode_district", TEXT, "district (`DY1`), from the postcode or given alone"),
            ("other_postcodes", TEXTS, "full postcodes of earlier or further homes"),
            ("address", TEXT, "address of the home as written; for linkage only"),
            ("contacts", TEXTS, "e-mail addresses and telephone numbers; for linkage only"),
            ("nhs_number", TEXT, "ten digits as given; checksum not required, see linkage"),
            ("upn", TEXT, "unique pupil number as given, upper case"),
            ("local_ids", TEXTS, "local ids as `issuer:id`"),
            ("vehicle", TEXT, "vehicle seen, for suspects"),
        ),
    ),
)
INDICATOR_EVENT = Table(
    "records",
    "indicator_event",
    "records",
    "One row a received row, role and indicator it evidences.",
    (*SUBJECT_KEY, "indicator"),
    (
        *SUBJECT,
        *_columns(
            ("record_id!", TEXT, "as in records.subject"),
            ("indicator!", TEXT, "id of the indicator in indicators.yaml"),
            ("date!", DAY, "date of the event, or last day of the quarter for a snapshot"),
            ("quarter!", TEXT, "fiscal quarter of the date"),
        ),
    ),
)


def _measure(name: str, description: str, *specs: tuple[str, Dtype, str]) -> Table:
    return Table("records", name, "records", description, ROW_KEY, (*DATED, *_columns(*specs)))


MEASURES: dict[str, Table] = {
    table.name: table
    for table in (
        _measure(
            "cse_tracker",
            "The CSE team's tracker as it stood at the end of each quarter.",
            ("reference", TEXT, "the team's reference"),
            ("responsible_authority", TEXT, "responsible local authority as written"),
            ("legal_status", TEXT, "category of legal status"),
            ("education", TEXT, "category of education provision"),
            ("referral_date", DAY, "date referred"),
            ("referral_source", TEXT, "category of referral source"),
            ("screened_because", TEXT, "vulnerable group that prompted screening"),
            ("screening_date", DAY, "date of the screening tool"),
            ("risk_level", TEXT, "at_risk, significant, serious or none"),
            ("model", TEXT, "model of exploitation"),
            ("method", TEXT, "online, offline or both"),
            ("status", TEXT, "open, closed or nfa"),
            ("outcome", TEXT, "outcome as written"),
            ("closed_date", DAY, "date closed"),
        ),
        _measure(
            "missing_episode",
            "Missing and absent episodes and their return interviews.",
            ("reference", TEXT, "the report's reference"),
            ("category", TEXT, "missing or absent, as the police recorded it"),
            ("risk", TEXT, "the police's risk grade for the episode"),
            ("reported_from", TEXT, "home, care placement, school"),
            ("home_name", TEXT, "children's home, when reported from one"),
            ("last_seen_at", MOMENT, "last seen, local time"),
            ("reported_at", MOMENT, "reported to police, local time"),
            ("returned_at", MOMENT, "located or returned, local time; null not returned"),
            ("found_place_type", TEXT, "kind of place where the child was found"),
            ("found_postcode", TEXT, "postcode where found"),
            ("interview_offered", FLAG, "return interview offered; null not recorded"),
            ("interview_at", MOMENT, "return interview completed, local time; null none"),
            ("interview_by", TEXT, "who completed it"),
        ),
        _measure(
            "offence",
            "Recorded crimes with a CSE flag.",
            ("reference", TEXT, "crime number"),
            ("offence_code", TEXT, "Home Office class and subclass"),
            ("offence", TEXT, "offence title"),
            ("committed_from", DAY, "committed on or from"),
            ("committed_to", DAY, "committed to"),
            ("easting_m", REAL, "easting of the offence, EPSG:27700, metres; null not geocoded"),
            ("northing_m", REAL, "northing of the offence, EPSG:27700, metres"),
            ("place_type", TEXT, "kind of place"),
            ("place", TEXT, "place as written (restricted)"),
            ("online", FLAG, "online element; null not recorded"),
            ("non_recent", FLAG, "over 12 months before it was recorded"),
            ("outcome_code", TEXT, "Home Office outcome 1-22; null open"),
            ("relationship", TEXT, "how the suspect is known to the victim"),
        ),
        _measure(
            "information_report",
            "Information reports (appendix A), graded on two scales that run opposite ways.",
            ("reference", TEXT, "report number"),
            ("reported_at", MOMENT, "date and time of the report"),
            ("agency", TEXT, "reporting agency"),
            ("source_type", TEXT, "witnessed, professional or member of the public"),
            ("reliability", TEXT, "5 always reliable ... 1 unreliable, dont_know; null not graded"),
            ("accuracy", TEXT, "1 known true ... 5 suspected false, dont_know; null not graded"),
            ("willing_to_engage", FLAG, "third party willing to engage with police"),
            ("licensed_service", FLAG, "licensed service involved"),
            ("premises_name", TEXT, "trading name as written"),
            ("premises_address", TEXT, "address as written"),
            ("handling_code", TEXT, "handling code as given; null none"),
            ("sanitised", FLAG, "whether the text has been sanitised; null not stated"),
            ("consent", TEXT, "sought, limited, dispensed with; null not stated"),
            ("consent_reason", TEXT, "why consent was limited or dispensed with (restricted)"),
            (
                "assessed_as",
                TEXT,
                "information (as reported) or intelligence (evaluated); null not stated",
            ),
            ("information", TEXT, "what was seen, heard or said: fact (restricted)"),
            ("opinion", TEXT, "what the reporter thinks it may mean (restricted)"),
            (
                "handling",
                TEXT,
                "permitted or conditions, by its handling code; null neither",
            ),
            ("releasable", FLAG, "whether it may be counted in what leaves the desk; null: no"),
            ("restricted_because", TEXT, "why it may not; null releasable"),
            ("by_default", FLAG, "whether it may only by the plan's decision for its dataset"),
        ),
        _measure(
            "disruption",
            "Actions against persons posing risk and places.",
            ("reference", TEXT, "panel reference"),
            ("action", TEXT, "arrest, abduction warning notice, charge, conviction, other"),
            ("detail", TEXT, "order or offence"),
            ("crime_reference", TEXT, "linked crime number"),
            ("place", TEXT, "location or premises as written"),
            ("expiry_date", DAY, "expiry of a notice"),
        ),
        _measure(
            "looked_after",
            "Periods of being looked after.",
            ("started", DAY, "start of the period looked after"),
            ("ended", DAY, "end of the period; null still looked after"),
            ("legal_status", TEXT, "SSDA903 legal status"),
            ("need", TEXT, "SSDA903 category of need"),
            ("placement", TEXT, "SSDA903 placement code"),
            ("provider", TEXT, "SSDA903 placement provider"),
            ("placement_postcode", TEXT, "postcode of the placement"),
            ("home_urn", TEXT, "Ofsted URN of the children's home"),
        ),
        _measure(
            "missing_count",
            "How often a looked-after child was missing in twelve months, as a return counts it;"
            " never added to episodes.",
            ("missing_12_months", REAL, "episodes missing in the twelve months (count)"),
            ("absent_12_months", REAL, "episodes absent in the twelve months (count)"),
            (
                "interview_offered",
                FLAG,
                "return interview offered after the last; null not recorded",
            ),
            ("interview_accepted", FLAG, "return interview accepted; null not recorded"),
        ),
        _measure(
            "exclusion",
            "Suspensions and exclusions from school, dated by their start.",
            ("category", TEXT, "permanent, fixed_period (suspension) or lunchtime"),
            ("reason", TEXT, "DfE code of the first reason"),
            ("sessions", REAL, "sessions excluded (count); null permanent or not told"),
            ("sen_provision", TEXT, "special educational needs when excluded"),
        ),
        _measure(
            "assessment",
            "Referrals and assessments of children in need.",
            ("referral_date", DAY, "date referred"),
            ("referral_source", TEXT, "DfE referral source code"),
            ("need", TEXT, "DfE primary need code"),
            ("authorised", DAY, "date the assessment was authorised"),
            ("factors", TEXTS, "DfE assessment factor codes"),
            ("plan_category", TEXT, "category of abuse if on a child protection plan"),
            ("case_status", TEXT, "CIN plan, CP plan, open assessment, closed"),
            ("closed_date", DAY, "date closed"),
        ),
        _measure(
            "school_attendance",
            "Sessions possible and missed in the quarter.",
            ("school", TEXT, "school name"),
            ("school_urn", TEXT, "school's URN"),
            ("year_group", TEXT, "national curriculum year"),
            ("sessions_possible", REAL, "possible sessions (count)"),
            ("sessions_authorised", REAL, "authorised absence (sessions)"),
            ("sessions_unauthorised", REAL, "unauthorised absence (sessions)"),
            (
                "sen_provision",
                TEXT,
                "special educational needs: N none, K support, E plan, older codes",
            ),
        ),
    )
}

# Fields that intake works out: no plan maps them, no template asks for them.
DERIVED_FIELDS = {
    "information_report": ("handling", "releasable", "restricted_because", "by_default")
}

# --- people -------------------------------------------------------------------------------------

RECORD_PERSON = Table(
    "people",
    "record_person",
    "people",
    "Which person each record speaks of.",
    SUBJECT_KEY,
    (
        *SUBJECT,
        *_columns(
            ("record_id!", TEXT, "as in records.subject"),
            ("person_id!", TEXT, "the person; stable over re-runs, not derived from identity"),
        ),
    ),
)
LINK = Table(
    "people",
    "link",
    "people",
    "Pairs of identities that Splink scored, and what became of each.",
    ("identity_a", "identity_b"),
    _columns(
        ("identity_a!", TEXT, "keyed hash of an identity"),
        ("identity_b!", TEXT, "keyed hash of another identity, greater than identity_a"),
        ("match_weight!", REAL, "Splink's match weight (log2 of the Bayes factor and prior)"),
        ("match_probability!", REAL, "Splink's match probability (0-1)"),
        ("decision!", TEXT, "joined, implied, refused, below_threshold or clerical"),
        ("reason", TEXT, "why it was refused or decided, in words"),
    ),
)
IDENTITY = Table(
    "people",
    "identity",
    "people",
    "Which identity (what is written about a person, once) each linked record holds.",
    SUBJECT_KEY,
    (
        *SUBJECT,
        *_columns(
            ("record_id!", TEXT, "as in records.subject"),
            ("identity!", TEXT, "keyed hash of the identity"),
            ("cluster!", TEXT, "smallest identity of the person"),
            ("too_little!", FLAG, "holds too little to be linked"),
            ("alone!", FLAG, "the only record of its person"),
        ),
    ),
)
DECISION = Table(
    "people",
    "decision",
    "people",
    "Clerical decisions, and whether each counts.",
    (),
    _columns(
        ("identity_a!", TEXT, "identity as decided about"),
        ("identity_b!", TEXT, "the other identity"),
        ("decision!", TEXT, "same, different or can't tell"),
        ("who!", TEXT, "who decided"),
        ("decided_on!", TEXT, "day of the decision (ISO)"),
        ("why!", TEXT, "reason, in the reviewer's words"),
        ("source!", TEXT, "workbook and sheet"),
        ("superseded!", TEXT, "yes when a later decision took its place"),
        ("applied_a", TEXT, "identity of today that it is applied to; null when it doesn't count"),
        ("applied_b", TEXT, "the other one"),
        ("state!", TEXT, "counts, or why it doesn't, in words"),
    ),
)
PERSON_LINK = Table(
    "people",
    "person_link",
    "people",
    "How firmly each person's records hold together.",
    ("person_id",),
    _columns(
        ("person_id!", TEXT, "the person"),
        ("role!", TEXT, "child or suspect"),
        ("identities!", WHOLE, "distinct identities (count)"),
        (
            "weakest_link",
            REAL,
            "match weight of the weakest link the person can't do without; null with one identity,"
            " or held by several records together or by a decision",
        ),
        ("stays_at_strict!", FLAG, "whether all records stay together at the strict threshold"),
        ("parts_at_strict!", WHOLE, "persons they would be there (count)"),
    ),
)
THRESHOLD_PERSON = Table(
    "people",
    "threshold_person",
    "people",
    "Children's records by person at other thresholds of the linkage.",
    (),
    (
        *_columns(
            ("threshold!", REAL, "match weight from which a pair may join"),
            ("strict!", FLAG, "whether it is the strict threshold"),
        ),
        *SUBJECT,
        *_columns(
            ("record_id!", TEXT, "as in records.subject"),
            ("cluster!", TEXT, "the person at this threshold"),
        ),
    ),
)
POSSIBLE_SAME_PERSON = Table(
    "people",
    "possible_same_person",
    "people",
    "Suspects who may be one person but are kept apart, with the reasons: the best pair of two.",
    ("person_a", "person_b"),
    _columns(
        ("person_a!", TEXT, "a suspect"),
        ("person_b!", TEXT, "another suspect, greater than person_a"),
        ("identity_a!", TEXT, "identity of the first in the pair that agrees best"),
        ("identity_b!", TEXT, "identity of the second in it"),
        ("match_weight!", REAL, "match weight of that pair (log2)"),
        ("why_apart!", TEXT, "why they are kept apart, in words"),
        ("speaks_for!", TEXT, "what agrees, with match weights"),
        ("speaks_against!", TEXT, "what differs, with match weights"),
    ),
)
SUSPECT_CROSS_ROLE = Table(
    "people",
    "suspect_cross_role",
    "people",
    "Suspects under 18, and suspects who may also be recorded as a child. They stay two persons.",
    (),
    _columns(
        ("person_id!", TEXT, "the suspect"),
        ("under_18!", TEXT, "yes, no or not known, by the youngest age a record gives on its day"),
        ("child_person_id", TEXT, "the child the suspect may be; null for none"),
        (
            "standing",
            TEXT,
            "the same person, or possibly the same person (twins, namesakes or less evidence);"
            " null without a child",
        ),
        ("match_weight", REAL, "match weight of the pair that agrees best (log2); null without"),
        ("indicators", WHOLE, "counting indicators of the child, whole period; null without"),
        ("harmed", TEXT, "whether the child is recorded as harmed: yes or no; null without"),
        ("speaks_for", TEXT, "what agrees, with match weights; null without"),
        ("speaks_against", TEXT, "what differs, with match weights; null without"),
    ),
)
UNLINKABLE_SHARE = Table(
    "people",
    "unlinkable_share",
    "people",
    "Records that hold too little to be linked, by group, with 95% limits (Wilson).",
    ("role", "dimension", "category"),
    _columns(
        ("role!", TEXT, "child or suspect"),
        (
            "dimension!",
            TEXT,
            "all, dataset, ethnic_group or sex, as the record itself gives it; looked_after, as any"
            " record of its person does (children)",
        ),
        ("category!", TEXT, "category; `not recorded` among them"),
        ("records!", WHOLE, "records (count)"),
        ("too_little!", WHOLE, "of them, too bare to be linked"),
        ("alone!", WHOLE, "of all, the only record of their person"),
        ("percent!", REAL, "percent too bare (0-100)"),
        ("lower!", REAL, "lower 95% limit"),
        ("upper!", REAL, "upper 95% limit"),
        ("beyond_chance!", FLAG, "whether the share is higher than everyone else's beyond chance"),
    ),
)
LINKAGE_ACCURACY = Table(
    "people",
    "linkage_accuracy",
    "analysis",
    "Precision and recall of the linkage, estimated from decisions on a sample of the pairs that"
    " were compared. Links never compared are missed too and not counted: true recall is lower.",
    ("dimension", "category", "measure"),
    _columns(
        (
            "dimension!",
            TEXT,
            "all, ethnic_group, sex, looked_after, source or priority_cohort (category yes)",
        ),
        ("category!", TEXT, "category; a pair is of every group that either of its sides is of"),
        ("measure!", TEXT, "precision or recall"),
        ("value", REAL, "estimate (0-1); null when too few pairs are decided"),
        ("lower", REAL, "lower 95% limit"),
        ("upper", REAL, "upper 95% limit"),
        ("pairs_decided!", WHOLE, "pairs of identities decided (count)"),
        ("pairs_scored!", WHOLE, "pairs of identities scored (count)"),
        ("beyond_chance!", FLAG, "whether it is lower than everyone else's beyond chance"),
        ("note", TEXT, "why there is no figure, in words"),
    ),
)
OVERLAP_BY_THRESHOLD = Table(
    "analysis",
    "overlap_by_threshold",
    "analysis",
    "Children by number of indicators in the last four quarters, over thresholds of the linkage.",
    ("threshold", "indicators"),
    _columns(
        ("threshold!", REAL, "match weight from which a pair may join"),
        ("indicators!", WHOLE, "indicators (count)"),
        ("children!", WHOLE, "distinct children (count)"),
    ),
)
COHORT_LINK = Table(
    "people",
    "cohort_link",
    "analysis",
    "The priority cohort: what each child rests on, and what remains at the strict threshold.",
    ("person_id",),
    _columns(
        ("person_id!", TEXT, "the child"),
        ("indicators!", WHOLE, "indicators that count, last four quarters"),
        ("weakest_link", REAL, "as in people.person_link"),
        ("stays_at_strict!", FLAG, "whether all records stay together at the strict threshold"),
        ("indicators_at_strict!", WHOLE, "indicators of the part that keeps most of them"),
    ),
)
PERSON = Table(
    "people",
    "person",
    "people",
    "One row a person, with the value most records give.",
    ("person_id",),
    _columns(
        ("person_id!", TEXT, "the person"),
        ("role!", TEXT, "child, suspect or another; of several, the first of these"),
        ("date_of_birth", DAY, "most recorded; null none recorded"),
        ("sex", TEXT, "female or male, most recorded; null not recorded"),
        ("ethnicity_code", TEXT, "DfE code, most recorded; null not recorded"),
        ("ethnic_group", TEXT, "main group; null not recorded"),
        ("disability", TEXT, "yes when any record says so, no when some say no; null not recorded"),
        ("postcode", TEXT, "latest full home postcode; null none"),
        ("ward_code", TEXT, "ward of the postcode; null outside the area or unknown"),
        ("ward", TEXT, "ward's name"),
        ("records!", WHOLE, "records (count)"),
        ("datasets!", WHOLE, "datasets that hold the person (count)"),
        ("agencies!", WHOLE, "agencies that hold the person (count)"),
        ("responsible!", FLAG, "whether the child is the area's responsibility"),
        ("not_responsible_because", TEXT, "why not, in words"),
    ),
)
PERSON_INDICATORS = Table(
    "people",
    "person_indicators",
    "people",
    "One row a child and indicator, over the whole period.",
    ("person_id", "indicator"),
    _columns(
        ("person_id!", TEXT, "the child"),
        ("indicator!", TEXT, "id of the indicator"),
        ("first_date!", DAY, "first event in the period"),
        ("last_date!", DAY, "last event in the period"),
        ("events!", WHOLE, "events in the period (count; one day in two datasets is one event)"),
        ("events_last_year!", WHOLE, "events in the last four quarters (count)"),
        ("sources!", TEXTS, "datasets that evidence it"),
    ),
)
PERSON_OVERLAP = Table(
    "people",
    "person_overlap",
    "analysis",
    "One row a child of the area: how many indicators, and whether the CSE team knows the child.",
    ("person_id",),
    _columns(
        ("person_id!", TEXT, "the child"),
        ("indicators!", WHOLE, "indicators that count in overlap, last four quarters (count)"),
        ("combination!", TEXT, "their ids, sorted, joined by ` + `; empty for none"),
        ("agencies!", WHOLE, "agencies that evidence them (count)"),
        ("repeat_indicators!", WHOLE, "of them, with two or more events (count)"),
        ("known_to_cse", FLAG, "ever in the tracker by the as-at date; null no tracker is held"),
        ("at_risk_now", FLAG, "open and at risk at the as-at date; null its tracker isn't held"),
        (
            "status",
            TEXT,
            "harmed, open, screened_or_closed or indicators_only; null no tracker is held",
        ),
    ),
)
OPEN_CHILD = Table(
    "analysis",
    "open_child",
    "analysis",
    "Children open and at risk at the end of each quarter, by the plan's rule.",
    ("quarter", "person_id"),
    _columns(
        ("quarter!", TEXT, "quarter whose last day is meant"),
        ("person_id!", TEXT, "the child"),
        (
            "risk_level",
            TEXT,
            "a level in force, or one of another scheme as written; null not recorded",
        ),
        ("age_years", WHOLE, "age on the quarter's last day"),
        ("sex", TEXT, "female or male; null not recorded"),
        ("ethnic_group", TEXT, "main group; null not recorded"),
        ("ethnicity_code", TEXT, "DfE code; null not recorded"),
        ("looked_after", FLAG, "looked after, by the tracker's legal status; null not recorded"),
        ("legal_status", TEXT, "category; null not recorded"),
        ("education", TEXT, "category; null not recorded"),
        ("disability", TEXT, "yes or no; null not recorded"),
        ("referral_source", TEXT, "category; null not recorded"),
        ("model", TEXT, "category; null not recorded"),
        ("method", TEXT, "online, offline or both; null not recorded"),
        ("ward", TEXT, "ward of home; null unknown or outside"),
        ("referral_date", DAY, "date referred"),
        (
            "missing_in_year",
            FLAG,
            "missing or absent in the four quarters to this one; null not all of them are held",
        ),
    ),
)

COMBINATION = Table(
    "analysis",
    "combination",
    "analysis",
    "Combinations of two or more indicators that most children have.",
    ("combination",),
    _columns(
        ("combination!", TEXT, "ids of the indicators, joined by ` + `"),
        ("indicators!", WHOLE, "how many (count)"),
        ("children!", WHOLE, "distinct children (count)"),
        ("known_to_cse", WHOLE, "of them, ever in the tracker; null not held"),
        ("at_risk_now", WHOLE, "of them, open and at risk now; null not held"),
    ),
)
REFERRAL_SOURCE = Table(
    "analysis",
    "referral_source",
    "analysis",
    "Who referred the children ever open and at risk in the period.",
    ("referral_source",),
    _columns(
        ("referral_source!", TEXT, "category; `not recorded` and `all` are always there"),
        ("children!", WHOLE, "distinct children (count)"),
        ("percent", REAL, "percent of those recorded (0-100)"),
        ("not_recorded_percent", REAL, "percent of all that is not recorded (0-100)"),
    ),
)

# --- geo and context ----------------------------------------------------------------------------

WARD = Table(
    "geo",
    "ward",
    "collection",
    "Wards of the area.",
    ("ward_code",),
    _columns(
        ("ward_code!", TEXT, "ONS ward code of the plan's vintage"),
        ("ward!", TEXT, "ward's name"),
        ("geometry_wkt!", TEXT, "boundary as WKT, EPSG:27700, metres"),
    ),
)
POSTCODE = Table(
    "geo",
    "postcode",
    "collection",
    "The area's postcodes.",
    ("postcode",),
    _columns(
        ("postcode!", TEXT, "full postcode with one space"),
        ("easting_m!", REAL, "easting, EPSG:27700, metres"),
        ("northing_m!", REAL, "northing, EPSG:27700, metres"),
        ("ward_code", TEXT, "ward; null outside every ward"),
    ),
)
PLACE = Table(
    "geo",
    "place",
    "collection",
    "Registers of places: children's homes, licensed premises, schools.",
    ("kind", "place_id"),
    _columns(
        ("kind!", TEXT, "childrens_home, licensed_premises or school"),
        ("place_id!", TEXT, "the register's id"),
        ("name!", TEXT, "name"),
        ("category", TEXT, "type or phase"),
        ("address", TEXT, "address; null not given"),
        ("postcode", TEXT, "postcode; null not given"),
        ("easting_m", REAL, "easting, EPSG:27700, metres, or its postcode's; null not known"),
        ("northing_m", REAL, "northing, EPSG:27700, metres; null not known"),
        ("capacity", REAL, "places or pupils; null not given"),
    ),
)
AREA_LAYER = Table(
    "geo",
    "area_layer",
    "collection",
    "Areas drawn by others: territories of gangs and crime groups, drug and earlier hotspots.",
    ("kind", "area_id"),
    _columns(
        (
            "kind!",
            TEXT,
            "gang_territory, crime_group_territory (organised crime), drug_hotspot, known_hotspot",
        ),
        ("area_id!", TEXT, "the source's id"),
        ("name!", TEXT, "name"),
        ("note", TEXT, "note of the source"),
        (
            "geometry_wkt!",
            TEXT,
            "area as WKT, EPSG:27700, metres (circles drawn from centre and radius)",
        ),
    ),
)
POPULATION = Table(
    "analysis",
    "population",
    "collection",
    "People living in the area by ward and, as each source has it, age, sex and ethnic group.",
    ("source", "ward_code", "age_years", "age_to", "sex", "ethnic_group", "ethnicity_code"),
    _columns(
        ("source!", TEXT, "id of the context source; figures of two sources are never added"),
        ("ward_code!", TEXT, "ward; the authority's code where a source has the area alone"),
        ("age_years!", WHOLE, "age in whole years, or the youngest of a band"),
        ("age_to!", WHOLE, "the oldest of the band; the same age for a single year, 120 no end"),
        ("sex!", TEXT, "female or male; all: not broken down"),
        ("ethnicity_code!", TEXT, "DfE ethnicity code; all: not broken down"),
        ("ethnic_group!", TEXT, "main group; all: not broken down"),
        ("population!", WHOLE, "people (count)"),
    ),
)
REGIONAL_SUMMARY = Table(
    "analysis",
    "regional_summary",
    "collection",
    "Neighbours' and regional totals, as published.",
    ("authority", "quarter"),
    _columns(
        ("authority!", TEXT, "local authority or region"),
        ("quarter!", TEXT, "fiscal quarter"),
        ("total!", WHOLE, "children at risk (count)"),
        ("at_risk", WHOLE, "of them at risk"),
        ("significant", WHOLE, "of them at significant risk"),
        ("serious", WHOLE, "of them at serious risk"),
    ),
)
OFFENDING_LOCATION = Table(
    "geo",
    "offending_location",
    "geography",
    "Where offences happened, one row an event, with what is wrong with the location.",
    ROW_KEY,
    (
        *DATED,
        *_columns(
            ("event_id!", TEXT, "crime number, or the row's own id: one event counts once"),
            ("easting_m", REAL, "easting, EPSG:27700, metres; null not located"),
            ("northing_m", REAL, "northing, EPSG:27700, metres"),
            ("place_type", TEXT, "kind of place"),
            ("online", FLAG, "online element"),
            ("ward_code", TEXT, "ward; null outside the area"),
            ("ward", TEXT, "ward's name"),
            ("usable!", FLAG, "whether the location may be used for hotspots"),
            (
                "unusable_because",
                TEXT,
                "not_geocoded, default_geocode, online, duplicate, far_away",
            ),
        ),
    ),
)
GEO_HOTSPOTS = Table(
    "geo",
    "hotspots",
    "geography",
    "Hotspots of offending, exact: for the analyst alone.",
    ("hotspot",),
    _columns(
        ("hotspot!", TEXT, "H1, H2 ... in order of p-value and position"),
        ("easting_m!", REAL, "mean easting of its events, EPSG:27700, metres"),
        ("northing_m!", REAL, "mean northing of its events"),
        ("radius_m!", REAL, "distance that holds nine in ten of its events, metres"),
        ("events!", WHOLE, "events, as-at date's period (count)"),
        ("children!", WHOLE, "distinct children harmed there (count)"),
        ("events_last_year!", WHOLE, "of them in the last four quarters"),
        ("expected!", REAL, "events expected from the baseline"),
        ("p_value!", REAL, "exact binomial, smallest of its cells"),
        ("status!", TEXT, "new, persistent or fading"),
        ("when", TEXT, "quarters of most events, in words"),
        ("kinds_of_place", TEXT, "most frequent kinds of place"),
        ("wards!", TEXT, "wards it touches, `outside the area` included"),
        ("layers", TEXT, "homes, territories and drug hotspots near it"),
        ("nearest_home", TEXT, "nearest children's home"),
        ("nearest_home_m", REAL, "distance to it, metres"),
        ("known_before", TEXT, "ids of hotspots known before that it overlaps"),
        ("cross_border!", FLAG, "whether part of it lies outside the area"),
    ),
)
HOME_PROXIMITY = Table(
    "geo",
    "home_proximity",
    "geography",
    "Whether offences lie nearer to children's homes than chance puts them; names no home.",
    ("radius_m",),
    _columns(
        ("radius_m!", REAL, "distance to the nearest home, metres"),
        ("homes!", WHOLE, "children's homes in the register (count)"),
        ("events!", WHOLE, "offences with a usable place (count)"),
        ("events_near!", WHOLE, "of them within the distance of any home"),
        ("expected!", REAL, "mean of the same, with as many homes at random addresses"),
        ("p_value!", REAL, "share of draws with as many or more, 0-1"),
        ("p_holm!", REAL, "the same, corrected over the distances (Holm 1979)"),
    ),
)
PREMISES_REPORTS = Table(
    "geo",
    "premises_report",
    "geography",
    "Information reports that name licensed premises, matched to the register.",
    ROW_KEY,
    (
        *ROW,
        *_columns(
            ("quarter!", TEXT, "fiscal quarter of the report"),
            ("premises_id", TEXT, "id in the register; null unmatched"),
            ("premises", TEXT, "trading name in the register"),
            ("matched_by", TEXT, "name and address, name, address; null unmatched"),
        ),
    ),
)

QUALITY_RAG = Table(
    "analysis",
    "quality_rag",
    "profile",
    "Red, amber or green of each dataset's deliveries, by the limits of the plan (`quality:`).",
    ("dataset", "quarter", "measure"),
    _columns(
        ("dataset!", TEXT, "id of the dataset"),
        ("agency!", TEXT, "agency"),
        ("quarter!", TEXT, "fiscal quarter of the delivery"),
        ("group!", TEXT, "delivery, timeliness, columns, usable rows, repairs, duplicates, "
         "completeness, volume, unknown values, expectations or overall"),
        ("measure!", TEXT, "what is judged; the whole delivery is `overall`"),
        ("value", REAL, "its value; null not to be told"),
        ("rag!", TEXT, "red, amber, green; `not told` without a value"),
        ("limit!", TEXT, "the limits in words"),
    ),
)  # fmt: skip
QUALITY_WARNING = Table(
    "analysis",
    "quality_warning",
    "profile",
    "Faults that inspectors found in other profiles, looked for in this one.",
    ("fault", "dataset"),
    _columns(
        ("fault!", TEXT, "the fault"),
        ("dataset!", TEXT, "dataset that has it; `all` for the profile as a whole"),
        ("found!", TEXT, "yes, no, or not told"),
        ("said!", TEXT, "what was found, without any count of people"),
        ("source!", TEXT, "who found the fault elsewhere"),
    ),
)

# --- profile ------------------------------------------------------------------------------------


def _profile(
    name: str, description: str, key: tuple[str, ...], *specs: tuple[str, Dtype, str]
) -> Table:
    return Table("profile", name, "profile", description, key, _columns(*specs), SUB_GROUP)


_DIMENSION = (
    ("quarter!", TEXT, "fiscal quarter"),
    ("dimension!", TEXT, "what the children, suspects or events are counted by"),
    ("category!", TEXT, "category; `not recorded` and `all` are always there"),
)
_SHARES = (
    ("percent", REAL, "percent of those recorded (0-100); null without a denominator"),
    ("not_recorded_percent", REAL, "percent of all that is not recorded (0-100)"),
)

PROFILE: dict[str, Table] = {
    table.name: table
    for table in (
        _profile(
            "cohort_by_quarter",
            "Children open and at risk of CSE at the end of each quarter, by risk level.",
            ("quarter", "risk_level"),
            ("quarter!", TEXT, "fiscal quarter"),
            ("risk_level!", TEXT, "at_risk, significant, serious (or as written), all"),
            ("children", WHOLE, "distinct children (count); null not held"),
            ("opened", WHOLE, "of them, not open at the end of the quarter before"),
            (
                "closed",
                WHOLE,
                "open at the level at the end of the quarter before, not open now; null where that "
                "quarter isn't held",
            ),
            ("carried_over", WHOLE, "of them, open at the end of the quarter before"),
        ),
        _profile(
            "victim_profile",
            "Children open and at risk at the end of each quarter, by one dimension at a time.",
            ("quarter", "dimension", "category"),
            *_DIMENSION,
            ("children", WHOLE, "distinct children (count); null not held"),
            *_SHARES,
        ),
        _profile(
            "suspect_profile",
            "Suspects spoken of in each quarter, by one dimension at a time.",
            ("quarter", "dimension", "category"),
            *_DIMENSION,
            ("suspects", WHOLE, "distinct suspects (count); null not held"),
            *_SHARES,
        ),
        _profile(
            "location_profile",
            "Offences and missing episodes by kind of place.",
            ("quarter", "dimension", "category"),
            *_DIMENSION,
            ("events", WHOLE, "events (count); null not held"),
            *_SHARES,
        ),
        _profile(
            "indicator_prevalence",
            "Children with each indicator in the last four quarters.",
            ("indicator",),
            ("indicator!", TEXT, "indicator"),
            ("children", WHOLE, "distinct children (count); null not held"),
            ("events", WHOLE, "events (count); null not held"),
            ("repeat_children", WHOLE, "children with two or more events"),
            (
                "sources!",
                TEXT,
                "datasets that evidence it; `none` is a gap: nothing is held, which is no nought",
            ),
        ),
        _profile(
            "indicator_overlap",
            "Children with both of two indicators in the last four quarters.",
            ("indicator_a", "indicator_b"),
            ("indicator_a!", TEXT, "indicator"),
            ("indicator_b!", TEXT, "another indicator, later in the alphabet"),
            ("children", WHOLE, "distinct children (count); null not held"),
        ),
        _profile(
            "overlap_distribution",
            "Children by number of indicators in the last four quarters.",
            ("indicators",),
            ("indicators!", WHOLE, "indicators (count)"),
            ("children", WHOLE, "distinct children (count); null not held"),
            (
                "known_to_cse",
                WHOLE,
                "of them, ever in the tracker by the as-at date; null not held",
            ),
            ("at_risk_now", WHOLE, "of them, open and at risk at the as-at date; null not held"),
        ),
        _profile(
            "prevalence_estimate",
            "Children whom no list holds, estimated; a stated gap where it can't be told.",
            ("method",),
            ("method!", TEXT, "method"),
            ("observed", WHOLE, "children on any list (count)"),
            ("estimate", REAL, "children, two significant figures"),
            ("lower", REAL, "lower limit"),
            ("upper", REAL, "upper limit"),
            ("caveat!", TEXT, "what the figure can't say"),
        ),
        _profile(
            "representation",
            "Children open now, with several indicators and living in the area, compared by group.",
            ("dimension", "category"),
            ("dimension!", TEXT, "sex, ethnic_group, age or ward"),
            ("category!", TEXT, "category"),
            (
                "known",
                WHOLE,
                "children open and at risk now, by the tracker (count); null not held",
            ),
            ("at_risk", WHOLE, "children with several indicators (count); null not held"),
            ("population", WHOLE, "children aged 10-17 (count); null no denominator"),
            ("ratio", REAL, "share of known over share of at risk"),
            ("lower", REAL, "lower 95% limit (Katz log)"),
            ("upper", REAL, "upper 95% limit (Katz log)"),
            ("finding!", TEXT, "what may be said"),
            ("known_rate", REAL, "known per 10,000 of the population; null no denominator"),
            ("known_rate_lower", REAL, "lower 95% limit (Poisson)"),
            ("known_rate_upper", REAL, "upper 95% limit (Poisson)"),
            ("at_risk_rate", REAL, "at risk per 10,000 of the population; null no denominator"),
            ("at_risk_rate_lower", REAL, "lower 95% limit (Poisson)"),
            ("at_risk_rate_upper", REAL, "upper 95% limit (Poisson)"),
            ("against_population", TEXT, "the known against the population, in words"),
        ),
        _profile(
            "screening_coverage",
            "Children of the groups that are to be screened routinely, and how many were.",
            ("group",),
            ("group!", TEXT, "group of the strategy"),
            ("children", WHOLE, "distinct children in the period (count); null not held"),
            ("screened", WHOLE, "of them, ever screened in the tracker; null not held"),
            ("percent", REAL, "percent screened (0-100)"),
        ),
        _profile(
            "return_interviews",
            "Return interviews after missing episodes, by quarter of the report.",
            ("quarter",),
            ("quarter!", TEXT, "fiscal quarter the episode was reported in"),
            ("episodes", WHOLE, "episodes (count); null not held"),
            ("due", WHOLE, "of them, child returned and interview due; null not held"),
            ("within_72_hours", WHOLE, "interview within 72 hours of return, 72.0 included"),
            ("late", WHOLE, "interview later than that; null not held"),
            ("none", WHOLE, "no interview recorded; null where no dataset records interviews"),
        ),
        _profile(
            "disruption_outcomes",
            "Actions against persons posing risk and places, by quarter.",
            ("quarter", "outcome"),
            ("quarter!", TEXT, "fiscal quarter of the action"),
            ("outcome!", TEXT, "action"),
            ("count", WHOLE, "actions (count); null not held"),
        ),
        _profile(
            "information_reports",
            "How the period's information reports were handled, restricted ones included: graded,"
            " consented to, counted in the editions or left out of them and why.",
            ("aspect", "category"),
            ("aspect!", TEXT, "editions, grades, assessed as or consent"),
            ("category!", TEXT, "category; `all` is always there"),
            ("reports!", WHOLE, "reports (count)"),
        ),
        _profile(
            "hotspots",
            "Hotspots of offending, without coordinates or exact counts.",
            ("hotspot",),
            ("hotspot!", TEXT, "H1, H2 ..."),
            ("wards!", TEXT, "wards it touches"),
            ("count_band!", TEXT, "events, in bands"),
            ("status!", TEXT, "new, persistent or fading"),
            ("when", TEXT, "when most events were"),
            ("kinds_of_place", TEXT, "most frequent kinds of place"),
            ("layers", TEXT, "kinds of context layer near it, unnamed"),
        ),
        _profile(
            "intelligence_gaps",
            "What is not known, who may hold the answer, and by when it is asked for.",
            ("gap",),
            ("gap!", TEXT, "G001 ..."),
            ("theme!", TEXT, "collection, data quality, screening, victims, suspects, locations"),
            ("finding!", TEXT, "what is not known"),
            ("evidence!", TEXT, "the figure and table it rests on"),
            ("agency!", TEXT, "who may hold the answer"),
            ("question!", TEXT, "what to ask"),
            ("due!", DAY, "by when"),
            ("priority!", TEXT, "high, medium or low"),
        ),
        _profile(
            "action_plan",
            "A draft action plan from findings and gaps, for the sub-group to decide.",
            ("action",),
            ("action!", TEXT, "action"),
            ("strand!", TEXT, "prevent, protect or pursue"),
            ("lead!", TEXT, "lead agency"),
            ("target_date!", DAY, "target date"),
            ("current_position!", TEXT, "where things stand, from the tables"),
            ("measure!", TEXT, "how progress will be told"),
            ("outcome!", TEXT, "what should be different for children"),
            ("rag!", TEXT, "red, amber or green, proposed"),
        ),
        _profile(
            "data_quality",
            "Long table of quality measures, by dataset and quarter.",
            ("dataset", "quarter", "measure"),
            ("dataset!", TEXT, "id of the dataset"),
            ("agency!", TEXT, "agency"),
            ("quarter!", TEXT, "fiscal quarter of the delivery"),
            (
                "measure!",
                TEXT,
                "rows_received, rows_quarantined, linked_percent, complete_percent:...",
            ),
            ("value", REAL, "its value; null not to be told"),
        ),
    )
}

KEY_FINDINGS = _profile(
    "key_findings",
    "Key findings drawn by rule from the tables, each with the table it rests on.",
    ("order",),
    ("order!", WHOLE, "from 1, most actionable first"),
    ("finding!", TEXT, "what was found"),
    ("confidence!", TEXT, "high, medium or low"),
    ("table!", TEXT, "the table it rests on"),
    ("strand!", TEXT, "prevent, protect or pursue"),
)

# Tables of texts as the rules write them, figures as marks (see `marks`): an edition writes them
# out, and so does the exact table of the same name in `profile`.
WORDING: dict[str, Table] = {
    table.name: replace(
        table,
        schema="wording",
        description=f"profile.{table.name} before an edition writes its figures.",
        audience=RESTRICTED,
    )
    for table in (PROFILE["intelligence_gaps"], PROFILE["action_plan"], KEY_FINDINGS)
}

# The tables as the editions count them: nothing in them rests on a restricted information report.
# Of tables of texts it is the wording.
EDITION: dict[str, Table] = {
    table.name: replace(
        table,
        schema="edition",
        description=f"{table.schema}.{table.name} without restricted reports, before disclosure"
        " control.",
        audience=RESTRICTED,
    )
    for table in (*PROFILE.values(), *WORDING.values())
}
ALL: tuple[Table, ...] = (
    QUARANTINE,
    REPAIRS,
    FATE,
    DUPLICATE,
    DELIVERY,
    CONTEXT_DELIVERY,
    CONTEXT_FAULT,
    MISSING_COLUMN,
    HOLDING,
    HEADING,
    FILE_ROWS,
    LINEAGE,
    UNKNOWN_VALUE,
    EXPECTATION,
    PERSON_RECORD,
    INDICATOR_EVENT,
    *MEASURES.values(),
    RECORD_PERSON,
    LINK,
    IDENTITY,
    DECISION,
    PERSON_LINK,
    THRESHOLD_PERSON,
    POSSIBLE_SAME_PERSON,
    SUSPECT_CROSS_ROLE,
    UNLINKABLE_SHARE,
    LINKAGE_ACCURACY,
    COHORT_LINK,
    OVERLAP_BY_THRESHOLD,
    PERSON,
    PERSON_INDICATORS,
    PERSON_OVERLAP,
    OPEN_CHILD,
    COMBINATION,
    REFERRAL_SOURCE,
    WARD,
    POSTCODE,
    PLACE,
    AREA_LAYER,
    POPULATION,
    REGIONAL_SUMMARY,
    OFFENDING_LOCATION,
    GEO_HOTSPOTS,
    HOME_PROXIMITY,
    PREMISES_REPORTS,
    QUALITY_RAG,
    QUALITY_WARNING,
    *PROFILE.values(),
    KEY_FINDINGS,
    *WORDING.values(),
    *EDITION.values(),
)

# --- categories of the profile's dimensions -----------------------------------------------------

NOT_RECORDED = "not recorded"
NOT_HELD = "[x]"  # an unknown figure where counts are printed: not held, which is no nought
TOTAL = "all"
SUPPRESSED = "[c]"
RISK_LEVELS = ("at_risk", "significant", "serious")
# Schemes by which teams grade (codes/risk_level.csv), each from the lowest level to the highest.
LEVEL_SCHEMES = (RISK_LEVELS, ("low", "medium", "high"))
AGE_BANDS = ("under 10", "10-11", "12-13", "14-15", "16-17")
SUSPECT_AGE_BANDS = ("under 18", "18-24", "25-34", "35-44", "45 and over")
SEXES = ("female", "male")
ETHNIC_GROUPS = ("White British", "White other", "Mixed", "Asian", "Black", "Other")
YES_NO = ("yes", "no")


def empty(table: Table) -> pl.DataFrame:
    """Return the table without rows."""
    return pl.DataFrame(schema=table.polars_schema)


def is_child(role: pl.Expr) -> pl.Expr:
    """Return whether a role is a child's: only they are counted, and linked with one another."""
    return role.str.contains(CHILD_ROLE)


def conform(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the frame with the contract's columns, in order, cast to its types.

    Raises ContractError, naming columns only, when one is missing, can't be cast, is null where it
    may not be, or the key is not unique.
    """
    name = f"{table.schema}.{table.name}"
    missing = [column for column in table.polars_schema if column not in frame.columns]
    if missing:
        raise ContractError(f"{name} lacks {', '.join(missing)}")
    try:
        shaped = frame.select(
            pl.col(column.name).cast(column.dtype, strict=True) for column in table.columns
        )
    except pl.exceptions.PolarsError:
        raise ContractError(f"{name} has a column of another type than its contract") from None
    nulls = [
        column.name
        for column in table.columns
        if not column.nullable and shaped[column.name].null_count() > 0
    ]
    if nulls:
        raise ContractError(f"{name} has nulls in {', '.join(nulls)}")
    if table.key and shaped.select(table.key).is_duplicated().any():
        raise ContractError(f"{name} repeats its key ({', '.join(table.key)})")
    return shaped


def union(frames: Iterable[pl.DataFrame], table: Table) -> pl.DataFrame:
    """Return the frames one below the other, held to the contract; none gives the empty table."""
    parts = [conform(frame, table) for frame in frames]
    return conform(pl.concat(parts), table) if parts else empty(table)
