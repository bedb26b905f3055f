"""Django's PostgreSQL backend with a timeout for every statement: see `driver.py` and `base.py`."""
