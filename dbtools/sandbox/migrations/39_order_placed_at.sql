BEGIN;

ALTER TABLE "Order" ADD COLUMN     "placedAt" TIMESTAMP(3);

CREATE INDEX "Order_placedAt_idx" ON "Order"("placedAt");

COMMIT;
