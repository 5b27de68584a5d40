"""Great Expectations suites built from rules. Importing the library takes seconds: only inside."""

import os
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from expectations.rules import Rule

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def column_name(column: str, form: str) -> str:
    """Return the name under which a column is handed over in a form."""
    return "quarter" if form == "quarter" else f"{column} as {form}"


def build_suite(rules: Iterable[Rule], name: str) -> "ExpectationSuite":
    """Return the suite of the rules; each expectation carries its rule's id in `meta`."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")
    with warnings.catch_warnings():
        # The library still imports a module that Python has deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        import great_expectations as gx
        import great_expectations.expectations as gxe
        from great_expectations.expectations.row_conditions import Column

    expectations = []
    for rule in rules:
        names = [column_name(column, rule.form) for column in rule.columns]
        columns: dict[str, object] = {}
        if rule.type == "ExpectColumnPairValuesAToBeGreaterThanB":
            columns = {"column_A": names[0], "column_B": names[1]}
        elif rule.type == "ExpectTableRowCountToBeBetween":
            columns = {"row_condition": Column(names[0]) == rule.kwargs["row_condition"]}
        else:
            columns = {"column": column_name("+".join(rule.columns), rule.form)}
        expectations.append(
            getattr(gxe, rule.type)(
                severity=rule.severity, meta={"rule": rule.rule}, **{**rule.kwargs, **columns}
            )
        )
    return gx.ExpectationSuite(name=name, expectations=expectations)
