"""Who is who: identities, the Splink model, clusters under constraint, persons, review and accuracy."""
