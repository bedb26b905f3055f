-- DropIndex
DROP INDEX "Review_productId_userId_key";

-- CreateIndex
CREATE UNIQUE INDEX "Review_userId_productId_key" ON "Review"("userId", "productId");
