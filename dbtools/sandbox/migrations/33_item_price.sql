-- AlterTable
ALTER TABLE "OrderItem" ADD COLUMN     "unitPrice" DECIMAL(10,2);

UPDATE "OrderItem" SET "unitPrice" = p."price" FROM "Product" p WHERE p."id" = "OrderItem"."productId";
