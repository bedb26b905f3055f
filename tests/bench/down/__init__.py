"""`make bench-down CORPUS=…`: the share of a real project's migrations whose drafts lead back."""
