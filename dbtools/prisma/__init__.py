"""Prisma's migrations: the folder in a repository, and the history in the database.

Reference: https://www.prisma.io/docs/orm/prisma-migrate (`tests/prisma` runs Prisma 6 and 7 themselves)
"""
