-- AlterTable
ALTER TABLE "Order" ADD COLUMN     "note" TEXT NOT NULL DEFAULT '';
