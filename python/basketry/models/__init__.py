"""Models that foretell, compare and find people; each stands beside what is trivial."""
