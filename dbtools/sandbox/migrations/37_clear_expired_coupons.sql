DO $$
BEGIN
  DELETE FROM "Coupon" WHERE "validUntil" < now() - interval '1 year';
END;
$$;
