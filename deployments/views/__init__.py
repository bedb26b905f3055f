"""The views. They read the portal's own rows and never a provider."""
