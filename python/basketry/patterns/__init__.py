"""What customers buy together and one after the other."""
