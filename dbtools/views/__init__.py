"""The wizard's pages. They only read the portal's own database; only the worker connects to other ones."""
