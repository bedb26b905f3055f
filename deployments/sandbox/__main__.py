"""`python -m deployments.sandbox --port 9701`: the same as `manage.py sandbox`, without Django."""

from __future__ import annotations

import argparse

from deployments.sandbox.server.serve import add_arguments, serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    serve(**vars(parser.parse_args()))
