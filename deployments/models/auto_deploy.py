"""What the providers' settings for automatic deployments mean, as people read it."""

AUTO_DEPLOY_TEXT = {
    "commit": "on every commit",
    "checksPass": "after checks pass",
    "on": "on",
    "off": "off",
    "": "unknown",
}
