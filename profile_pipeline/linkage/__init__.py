"""Who is who: identities, the Splink model, constrained clusters, persons, review, accuracy."""
