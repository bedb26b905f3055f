-- AlterTable
ALTER TABLE "User" DROP COLUMN "phone";
