-- AlterTable
ALTER TABLE "Order" ADD COLUMN     "priceCents" INTEGER;

UPDATE "Order" SET "priceCents" = "legacyPrice";

-- AlterTable
ALTER TABLE "Order" DROP COLUMN "legacyPrice";
