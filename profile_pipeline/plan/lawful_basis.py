"""Why a dataset may be shared: `lawful_basis:` of the plan, and what it leaves unsaid.

A list of conditions the partnership has chosen, never advice: values are checked against the points
and paragraphs that exist (UK GDPR articles 6 and 9; Data Protection Act 2018 Part 3 and Schedules 1
and 8). What the kind of data calls for and the plan doesn't say is a note, not an error: the
decision is the controllers' own.
"""

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from profile_pipeline.plan.settings import Strict

if TYPE_CHECKING:
    from profile_pipeline.plan.collection import Agency, Dataset

ARTICLE_6: dict[str, str] = {
    "a": "consent",
    "b": "contract",
    "c": "legal obligation",
    "d": "vital interests",
    "e": "public task",
    "f": "legitimate interests",
}
ARTICLE_9: dict[str, str] = {
    "a": "explicit consent",
    "b": "employment, social security and social protection law",
    "c": "vital interests",
    "d": "not-for-profit bodies",
    "e": "made public by the person",
    "f": "legal claims or judicial acts",
    "g": "substantial public interest",
    "h": "health or social care",
    "i": "public health",
    "j": "archiving, research and statistics",
}
# DPA 2018 section 10: these points of article 9 need a condition of Schedule 1 as well.
NEED_SCHEDULE_1 = ("b", "g", "h", "i", "j")
SCHEDULE_1_PARAGRAPHS = 37
SCHEDULE_8_PARAGRAPHS = 9

HEALTH_INDICATORS = (
    "health_cse_concern",
    "mental_health",
    "sexually_transmitted_infection",
    "substance_misuse",
)
CRIME_INDICATORS = ("cse_crime", "offending")
CRIME_MEASURES = ("offence", "disruption")

LABELS: dict[str, str] = {
    "power": "Legal power or duty to share",
    "article_6": "UK GDPR article 6",
    "article_9": "UK GDPR article 9 (special categories)",
    "schedule_1": "DPA 2018 Schedule 1 condition",
    "article_10": "UK GDPR article 10 (criminal offence data)",
    "part_3": "DPA 2018 Part 3 (law enforcement)",
    "schedule_8": "DPA 2018 Schedule 8 condition",
    "confidentiality": "Duty of confidentiality",
    "controllers": "Controllers",
    "dpia": "Data protection impact assessment",
}


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _text(value: Any) -> Any:
    # `part_3: true` and `schedule_1: 18` are what an analyst would write.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class LawfulBasis(Strict):
    """The lawful basis of one dataset.

    A plain text in the plan is its `power`; articles, schedules, controllers and a DPIA that the
    text names (`article 6(1)(e)`, `Schedule 1 paragraph 18`) are taken from it.

    `article_6` and `article_9` are kept as `e public task`, whatever way they were written
    (`6(1)(e)`, `public task`).
    """

    power: str = Field(default="", description="statute that allows or requires sharing")
    article_6: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    article_9: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    schedule_1: Annotated[str, BeforeValidator(_text)] = Field(
        default="", description="condition of DPA 2018 Schedule 1, such as `paragraph 18`"
    )
    article_10: str = Field(
        default="", description="official authority, or the law that allows offence data"
    )
    part_3: str | bool = Field(
        default=False, description="true, or in words, for law enforcement processing"
    )
    schedule_8: Annotated[str, BeforeValidator(_text)] = Field(
        default="", description="condition for sensitive processing under Part 3"
    )
    confidentiality: str = Field(
        default="", description="how the common-law duty and health directions are met"
    )
    controllers: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    dpia: str = Field(default="", description="reference of the impact assessment")

    @model_validator(mode="before")
    @classmethod
    def _said_once(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {**_stated(value), "power": value}
        if isinstance(value, dict) and isinstance(value.get("power"), str):
            value = {**_stated(value["power"]), **value}
            if "controller" in value:
                value.pop("controllers", None)
        if isinstance(value, dict) and "controller" in value:
            if "controllers" in value:
                raise ValueError("write `controllers` once, not `controller` as well")
            value = {**value, "controllers": value["controller"]}
            del value["controller"]
        return value

    @field_validator("article_6", mode="after")
    @classmethod
    def _in_article_6(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_point(text, ARTICLE_6, "6") for text in value)

    @field_validator("article_9", mode="after")
    @classmethod
    def _in_article_9(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_point(text, ARTICLE_9, "9") for text in value)

    @field_validator("schedule_1")
    @classmethod
    def _in_schedule_1(cls, value: str) -> str:
        return _paragraph(value, "1", SCHEDULE_1_PARAGRAPHS)

    @field_validator("schedule_8")
    @classmethod
    def _in_schedule_8(cls, value: str) -> str:
        return _paragraph(value, "8", SCHEDULE_8_PARAGRAPHS)

    @model_validator(mode="after")
    def _says_something(self) -> "LawfulBasis":
        if not (self.power or self.article_6 or self.article_9 or self.article_10 or self.part_3):
            raise ValueError(
                "name the power or the conditions, such as"
                " {power: Children Act 2004 s.10, article_6: e public task}"
            )
        return self

    def lines(self) -> list[tuple[str, str]]:
        """Return label and text of each part, `not stated` where the plan says nothing of it.

        What can't concern a dataset (Part 3 and its schedule, confidentiality, offence data, and
        article 6 under Part 3) is left out when it is empty.
        """
        shown = []
        for name, label in LABELS.items():
            value = getattr(self, name)
            if name == "part_3" and value is True:
                value = "competent authority, law enforcement purposes"
            text = "; ".join(value) if isinstance(value, tuple) else str(value or "")
            wanted = ("power", "controllers", "dpia", *(() if self.part_3 else ("article_6",)))
            if text or name in wanted:
                shown.append((label, text or "not stated"))
        return shown

    def __str__(self) -> str:
        """One line: the power alone when that is all, else each part with its article."""
        said = _stated(self.power)  # The text says it already.
        parts = [self.power]
        if "article_6" not in said:
            parts += [f"UK GDPR article 6(1)({text[0]})" for text in self.article_6]
        if "article_9" not in said:
            parts += [f"article 9(2)({text[0]})" for text in self.article_9]
        if self.schedule_1 and "schedule_1" not in said:
            parts.append(f"DPA 2018 Schedule 1 {self.schedule_1}")
        if self.article_10 and "article_10" not in said:
            parts.append(f"article 10: {self.article_10}")
        if self.part_3 and "part_3" not in said:
            parts.append("DPA 2018 Part 3")
        return "; ".join(part for part in parts if part)


LETTERS = r"((?:\s*(?:,|and|or|/|&)?\s*\([a-j]\))+)"
POINTS = {
    "article_6": (rf"\b6\s*(?:\(1\))?{LETTERS}", ARTICLE_6),
    "article_9": (rf"\b9\s*(?:\(2\))?{LETTERS}", ARTICLE_9),
}
PARAGRAPHS = {
    schedule: (
        rf"\bsch(?:edule)?\.?\s*{number}\b[\s,]*(?:part\s*\d[\s,]*)?para(?:graph)?\.?\s*(\d+)"
        rf"|\bpara(?:graph)?\.?\s*(\d+)[\s,]*(?:of\s+)?sch(?:edule)?\.?\s*{number}\b"
    )
    for schedule, number in (("schedule_1", 1), ("schedule_8", 8))
}


def _stated(text: str) -> dict[str, Any]:
    """Return what a text on the lawful basis states of the articles and the rest, by key."""
    found: dict[str, Any] = {}
    for key, (pattern, points) in POINTS.items():
        letters = "".join(re.findall(pattern, text, re.IGNORECASE))
        given = [
            letter for letter in re.findall(r"\(([a-j])\)", letters.lower()) if letter in points
        ]
        if given:
            found[key] = list(dict.fromkeys(given))
    for key, pattern in PARAGRAPHS.items():
        if match := re.search(pattern, text, re.IGNORECASE):
            found[key] = f"paragraph {match[1] or match[2]}"
    for part in re.split(r"[;\n]|\.\s", text):
        said = part.strip().rstrip(".")
        if re.search(r"\bart(?:icle)?\.?\s*10\b", said, re.IGNORECASE):
            found.setdefault("article_10", said)
        if re.search(r"\bpart 3\b", said, re.IGNORECASE):
            found.setdefault("part_3", said)
        if re.search(r"\bconfidential", said, re.IGNORECASE):
            found.setdefault("confidentiality", said)
        if named := re.match(r"(?:joint\s+)?controllers?\s*:?\s+(.+)", said, re.IGNORECASE):
            found["controllers"] = [each.strip() for each in re.split(r",|\band\b", named[1])]
        if reference := re.search(r"\bDPIA\b\s*:?\s*(.+)", said):
            found.setdefault("dpia", reference[1])
    return found


def _point(text: str, points: Mapping[str, str], article: str) -> str:
    """Return `e public task` for a point of an article, however it was written."""
    bare = text.strip().casefold()
    bare = re.sub(r"^(uk gdpr\s*)?(art(icle)?\.?\s*)?", "", bare)
    bare = re.sub(rf"^{article}\s*\(?[12]?\)?\s*(?=[(a-z])", "", bare)
    letter = re.match(r"\(?([a-z])\)?(?:[\s:,.-]|$)", bare)
    if letter and letter[1] in points:
        return f"{letter[1]} {points[letter[1]]}"
    named = {words.casefold(): point for point, words in points.items()}
    if bare in named:
        return f"{named[bare]} {points[named[bare]]}"
    words = re.sub(r"^\(?[a-z]\)?[\s:,.-]+", "", bare)
    near = difflib.get_close_matches(words, list(named), n=1)
    hint = (
        f"did you mean '{named[near[0]]} {near[0]}'?"
        if near
        else "known: " + ", ".join(f"{point} {words}" for point, words in points.items())
    )
    raise ValueError(f"article {article} has no point '{text}'; {hint}")


def _paragraph(text: str, schedule: str, last: int) -> str:
    """Return `paragraph 18 ...` for a condition that is written as a number; words stay."""
    number = re.match(r"(?:para(?:graph)?\.?\s*)?(\d+)\b[\s:,]*(.*)", text, re.IGNORECASE)
    if number is None:
        return text
    if not 1 <= int(number[1]) <= last:
        raise ValueError(
            f"Schedule {schedule} has no paragraph {number[1]}; its conditions are 1 to {last}"
        )
    return f"paragraph {number[1]} {number[2]}".strip()


def kinds_of_data(dataset: "Dataset", agency: "Agency") -> list[str]:
    """Return which protected kinds of data a dataset holds: special, health, criminal offence.

    Judged by what the plan maps: ethnicity, disability, health and sexual-exploitation indicators
    and the sector of the agency are special-category data; crimes, actions and persons posing risk
    are criminal offence data (DPA 2018 section 11(2): allegations too).
    """
    indicators = {event.indicator for event in dataset.events if event.indicator}
    measures = {event.measure for event in dataset.events if event.measure}
    mapped = {
        name
        for subject in dataset.subjects
        for name in ("ethnicity", "appearance", "disability", "nhs_number")
        if getattr(subject, name) is not None
    }
    health = agency.sector == "health" or bool(indicators.intersection(HEALTH_INDICATORS))
    special = health or bool(mapped - {"nhs_number"})
    suspects = any(subject.role == "suspect" for subject in dataset.subjects)
    crime = (
        suspects
        or bool(indicators.intersection(CRIME_INDICATORS))
        or bool(measures.intersection(CRIME_MEASURES))
    )
    return [
        kind
        for kind, holds in (
            ("special category", special),
            ("health", health),
            ("criminal offence", crime),
        )
        if holds
    ]


def basis_gaps(dataset: "Dataset", agency: "Agency") -> list[str]:
    """Return what the lawful basis doesn't say although the kind of data calls for it, in words."""
    basis, kinds = dataset.lawful_basis, kinds_of_data(dataset, agency)
    enforcement = bool(basis.part_3)
    lacks = []
    if not basis.article_6 and not enforcement:
        lacks.append("an article 6 condition")
    if "special category" in kinds:
        if enforcement and not (basis.schedule_8 or basis.article_9):
            lacks.append("a Schedule 8 condition for sensitive processing")
        if not enforcement and not basis.article_9:
            lacks.append("an article 9 condition (special-category data)")
        needs = any(text[0] in NEED_SCHEDULE_1 for text in basis.article_9)
        if not basis.schedule_1 and (needs or not (enforcement or basis.article_9)):
            lacks.append("a Schedule 1 condition")
    if "health" in kinds and not basis.confidentiality:
        lacks.append("how the duty of confidentiality is met (health data)")
    if "criminal offence" in kinds and not basis.article_10 and not enforcement:
        lacks.append("article 10 or Part 3 (criminal offence data)")
    if not basis.controllers:
        lacks.append("the controllers")
    if not basis.dpia:
        lacks.append("the impact assessment's reference")
    return lacks


def basis_note(dataset: "Dataset", agency: "Agency") -> str | None:
    """Return one line for `check` on what a dataset's lawful basis leaves unsaid; null for none."""
    lacks = basis_gaps(dataset, agency)
    return f"{dataset.id}: the lawful basis doesn't state {', '.join(lacks)}." if lacks else None
