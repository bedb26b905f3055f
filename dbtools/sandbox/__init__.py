"""The example company's repository with Prisma migrations, and its database."""
