import { defineConfig } from "prisma/config";

export default defineConfig({
  engine: "classic",
  schema: "./schema.prisma",
  migrations: { path: process.env.PRISMA_MIGRATIONS },
  datasource: { url: process.env.DATABASE_URL! },
});
