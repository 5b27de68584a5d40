"""`python -m profile_pipeline`: the command line."""

from profile_pipeline.cli import main

main()
