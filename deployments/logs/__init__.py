"""The providers' log lines while somebody looks: a row asks for them, a worker reads and masks them."""
