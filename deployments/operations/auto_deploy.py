"""The providers' settings for automatic deployments, in words."""

AUTOMATIC = {
    "commit": "on every commit",
    "checksPass": "after checks pass",
    "on": "on",
    "off": "off",
    "": "unknown",
}
