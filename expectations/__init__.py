"""Great Expectations suites made from the plan; their results feed quarantine and gaps."""
