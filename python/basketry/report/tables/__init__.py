"""Frames into tables of finished text: which columns are shown, in what words, in what order."""
