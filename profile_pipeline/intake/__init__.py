"""From an agency's file to received rows and harmonised records, with quarantine, repairs and fates."""
