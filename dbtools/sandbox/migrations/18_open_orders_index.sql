CREATE INDEX "Order_open_idx" ON "Order"("createdAt") WHERE "status" IN ('NEW', 'PAID');
