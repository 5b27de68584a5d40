"""The method of problem profiling in plain Python: no Dagster, no Great Expectations, no folium in here."""
