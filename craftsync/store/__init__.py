"""The wing that speaks SQL."""
