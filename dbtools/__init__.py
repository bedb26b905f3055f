"""Database rollbacks: the wizard that rolls a Prisma migration back."""
