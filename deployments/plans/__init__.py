"""The numbered plan: what an operation will do, drawn before anybody confirms it.

The same steps are the confirm dialog's list and the progress page's checklist. A plan carries a signed
token of the world it was drawn in; when that world has changed by the time of the click, the operation
is not started and the person is shown the difference.
"""

from deployments.plans.automatic import AUTOMATIC
from deployments.plans.drawing import Plan, draw
from deployments.plans.steps import Step
from deployments.plans.tokens import BadToken, differences, read_token, world

__all__ = ["AUTOMATIC", "BadToken", "Plan", "Step", "differences", "draw", "read_token", "world"]
