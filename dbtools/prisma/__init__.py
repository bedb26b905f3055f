"""What Prisma keeps: a folder of migrations in a repository, and a history in the database.

Reference: https://www.prisma.io/docs/orm/prisma-migrate (behaviour run against Prisma 6 and 7 in the tests)
"""
