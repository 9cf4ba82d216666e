"""Everything that changes weights; needs torch."""
