"""The pictures of the report: one file a subject, each function turns a frame into an altair chart."""
