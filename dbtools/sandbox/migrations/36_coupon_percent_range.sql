ALTER TABLE "Coupon" ADD CONSTRAINT "Coupon_percent_range" CHECK ("percent" BETWEEN 1 AND 100);
