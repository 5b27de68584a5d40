"""Great Expectations suites made from the plan, and what their results mean for quarantine and gaps."""
