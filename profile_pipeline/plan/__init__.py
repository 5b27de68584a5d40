"""The partnership's plan: terms of reference, data collection, indicators; checked objects."""
