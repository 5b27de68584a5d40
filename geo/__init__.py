"""Places: boundaries, geocoding, hotspots, proximity and the offline map."""
