"""What `profile-pipeline new` left for a person to write: `<your area>` and the like.

A placeholder would be printed in the profile and in letters, and `<your council>` as the
responsible authority would take every child for another council's: a plan that still has one isn't
a plan yet.
"""

import re
from collections.abc import Sequence
from typing import Any

from profile_pipeline.errors import Problem
from profile_pipeline.plan.yaml_file import line_of, named, texts_of

# A phrase in angle brackets; an address of e-mail or of the web is none.
PLACEHOLDER = re.compile(r"<([^<>@:/]*[^\W\d_][^<>@:/]*)>")
# Keys whose text is what an agency's file says: a heading or a code may stand in angle brackets.
OF_FILES = (
    *("read", "dated_by", "reference", "subjects", "events", "headers", "also", "lookup", "expect"),
    *("columns", "values", "between", "delivery"),
)


def placeholder_problems(content: Any, name: str) -> list[Problem]:
    """Return a problem for each placeholder left in a file of the plan: line, key, what to write.

    Args:
        content: the file as read, with line numbers.
        name: the file's name.
    """
    return [
        Problem(
            f"{name}:{line_of(content, path)}",
            f"{named(content, path)}: '<{words}>' is still to be filled in.",
            f"Write there: {words}.",
        )
        for path, text in texts_of(content)
        if not _is_the_files(path)
        for words in PLACEHOLDER.findall(text)
    ]


def _is_the_files(path: Sequence[str | int]) -> bool:
    """Whether a text tells how an agency's file is read."""
    return len(path) > 2 and path[0] in ("datasets", "context") and path[2] in OF_FILES
