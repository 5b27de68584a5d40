"""What may leave the analyst's desk: editions, disclosure control, releases and retention."""
