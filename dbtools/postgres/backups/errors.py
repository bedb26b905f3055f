"""How taking a backup can end without one."""


class NotTaken(Exception):
    """There is no backup, and nothing of it was left; `str()` says why."""


class Canceled(NotTaken):
    """Somebody asked for it to be stopped."""
