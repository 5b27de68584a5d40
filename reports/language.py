"""Words that this profile's own text doesn't use of a child, and what to say instead.

From the language guides for child exploitation (The Children's Society 2022; NAPAC and others 2024)
as collected by the partnership. Only our own templates, headings and labels are held to it: an
agency's text, a legal title or a dataset's column name is quoted as it stands.
"""

import re
from dataclasses import dataclass

# Phrase -> what to say instead.
INSTEAD: dict[str, str] = {
    "putting themselves at risk": "increased vulnerability to being abused",
    "put herself at risk": "increased vulnerability to being abused",
    "put himself at risk": "increased vulnerability to being abused",
    "sexual activity with": "sexually abused by; allegation of",
    "sexually active": "may have been abused",
    "contacting adults": "adults have been contacting the child",
    "involved in cse": "victim of sexual exploitation",
    "in return for sex": "is being sexually exploited",
    "in exchange for sex": "is being sexually exploited",
    "in a relationship with": "being groomed, exploited or controlled by",
    "associating with": "being groomed, exploited or controlled by",
    "spending time with": "being groomed, exploited or controlled by",
    "child prostitute": "child who is being sexually exploited",
    "child prostitution": "child sexual exploitation",
    "prostitution": "sexual exploitation",
    "prostitute": "child who is being sexually exploited",
    "promiscuous": "may have been abused",
    "lifestyle choice": "is being exploited",
    "streetwise": "describe what happened",
    "boyfriend": "person of concern; person posing risk",
    "girlfriend": "person of concern; person posing risk",
    "absconding": "missing",
    "absconder": "child who goes missing",
    "absconded": "went missing",
    "runaway": "child who goes missing",
    "refuses to engage": "services have not yet reached the child",
    "difficult to engage": "services have not yet reached the child",
    "hard to reach": "services have not yet reached the child",
    "consenting": "a child can't consent to abuse",
    "attention seeking": "describe what the child is telling us",
    "mutual": "describe what happened",
    "offender": "suspect, until an outcome says otherwise",
    "perpetrator": "suspect, until an outcome says otherwise",
}

_PATTERN = re.compile(
    r"\b(" + "|".join(map(re.escape, sorted(INSTEAD, key=len, reverse=True))) + r")s?\b",
    re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """A phrase to avoid, where it stands (line from 1), and what to say instead."""

    line: int
    phrase: str
    instead: str


def check_language(text: str) -> list[Finding]:
    """Return every phrase of INSTEAD that the text uses, in order; none is right."""
    return [
        Finding(number, match[1].lower(), INSTEAD[match[1].lower()])
        for number, line in enumerate(text.splitlines(), start=1)
        for match in _PATTERN.finditer(line)
    ]
