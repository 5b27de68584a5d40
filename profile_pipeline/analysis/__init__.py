"""Tables of the profile, from tables: overlap, trends, screening, outcomes, gaps, actions."""
