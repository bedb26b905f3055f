"""The wizard's pages. They read the portal's own database only; the worker looks at the outside."""
