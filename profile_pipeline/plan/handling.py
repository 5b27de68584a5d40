"""What the plan may decide about information reports that don't say how they may be handled."""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from profile_pipeline.plan.settings import Strict


class HandlingDefault(Strict):
    """A decision for the reports of one dataset: what is taken where a report says nothing.

    What a report states itself always counts. The decision is the partnership's, so it names who
    took it, when and why.
    """

    handling_code: str = Field(default="", description="code of a list, such as P")
    sanitised: bool | None = None
    consent: Literal["", "sought", "limited", "dispensed with"] = ""
    consent_reason: str = Field(default="", description="why consent was dispensed with")
    decided_by: str = Field(min_length=1)
    decided_on: date
    why: str = Field(min_length=1)

    @model_validator(mode="after")
    def _decides_something(self) -> "HandlingDefault":
        if not self.handling_code and self.sanitised is None and not self.consent:
            raise ValueError("give a handling_code, sanitised or consent that is to be taken")
        if self.consent == "dispensed with" and not self.consent_reason:
            raise ValueError("consent is dispensed with only for a reason: give consent_reason")
        return self

    def told(self) -> str:
        """Return the decision in words, to follow the dataset's title and a colon."""
        taken = [
            f"handling code {self.handling_code}" if self.handling_code else "",
            {None: "", True: "sanitised", False: "not sanitised"}[self.sanitised],
            {"": "", "sought": "consent sought and given"}.get(
                self.consent, f"consent {self.consent}"
            ),
        ]
        taken_as = ", ".join(part for part in taken if part)
        reason = f" ({self.consent_reason})" if self.consent_reason else ""
        day = f"{self.decided_on.day} {self.decided_on:%B %Y}"
        return (
            f"where a report says nothing it is taken as {taken_as}{reason}; decided by"
            f" {self.decided_by}, {day}: {self.why}"
        )
