"""The method of problem profiling in plain Python; only `definitions` and `run` know Dagster."""
