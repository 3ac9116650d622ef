"""Models that clean pictures, measured beside other denoisers."""
