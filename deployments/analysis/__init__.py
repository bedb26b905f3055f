"""Did it help, and is a deployment to blame: statistics on plain values, without Django and database.

`verdict.py` judges what came of an operation, `blame.py` says when errors began, `sentences.py` and
`blame_sentence.py` put both into words. The method, its assumptions and its measured error rates are in
docs/did-it-help.md.
"""
