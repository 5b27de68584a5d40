"""The partnership's plan: terms of reference, data collection plan and indicators, read from YAML into checked objects."""
