"""From an agency's file to received rows and harmonised records; quarantine, repairs, fates."""
