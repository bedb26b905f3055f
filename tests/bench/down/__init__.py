"""`make bench-down CORPUS=…`: how well the drafts lead back, on every migration of a real project."""
