"""The sandbox company's repository with Prisma migrations, and its database."""
