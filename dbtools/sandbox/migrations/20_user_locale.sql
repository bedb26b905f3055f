-- CreateEnum
CREATE TYPE "Locale" AS ENUM ('EN', 'DE', 'FR');

-- AlterTable
ALTER TABLE "User" ADD COLUMN     "locale" "Locale" NOT NULL DEFAULT 'EN';
