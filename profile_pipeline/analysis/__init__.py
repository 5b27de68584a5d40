"""The tables of the profile: overlap, trends, screening, outcomes and intelligence gaps, from tables to tables."""
