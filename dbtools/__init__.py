"""Wing two: the guarded wizard that rolls a Prisma migration back."""
