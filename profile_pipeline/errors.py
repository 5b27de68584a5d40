"""What a user is told when something is wrong, and the exit code that goes with it.

Nothing here may carry a value from an agency's data: file, row, column, rule and plan line only.
"""

from collections.abc import Iterable
from dataclasses import dataclass

EXIT_BAD_PLAN = 2
EXIT_BAD_DATA = 3
EXIT_NO_PROFILE = 4
EXIT_BUSY = 5


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: where (file, then line, row or key), what, and what to do."""

    where: str
    what: str
    cure: str = ""

    def __str__(self) -> str:
        """One line: where, what, cure."""
        line = f"{self.where}: {self.what}"
        return f"{line} {self.cure}" if self.cure else line


class UserError(Exception):
    """An error to be shown as plain lines, never as a traceback."""

    exit_code = 1

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        """Hold one or many problems; the message has one line for each."""
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PlanError(UserError):
    """The profile folder's own files can't be used as they stand."""

    exit_code = EXIT_BAD_PLAN


class DeliveryError(UserError):
    """An agency's file can't be used; it fails its own quarter alone."""

    exit_code = EXIT_BAD_DATA


class NoProfileError(UserError):
    """The run ended without a profile."""

    exit_code = EXIT_NO_PROFILE


class WarehouseBusyError(UserError):
    """Another process holds the warehouse."""

    exit_code = EXIT_BUSY


class ContractError(Exception):
    """A table doesn't meet its contract: a fault of this program, named by table and column."""
