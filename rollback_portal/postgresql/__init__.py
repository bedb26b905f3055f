"""Django's PostgreSQL backend with a limit to its patience: see `driver.py` and `base.py`."""
