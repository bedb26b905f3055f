CREATE VIEW "OrderTotal" AS
SELECT o."id", o."userId", sum(i."quantity" * p."price") AS "total"
FROM "Order" o
JOIN "OrderItem" i ON i."orderId" = o."id"
JOIN "Product" p ON p."id" = i."productId"
GROUP BY o."id";
