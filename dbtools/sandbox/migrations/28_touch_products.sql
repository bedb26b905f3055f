ALTER TABLE "Product" ADD COLUMN     "updatedAt" TIMESTAMP(3);

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."updatedAt" = now();
  RETURN NEW;
END;
$$;

CREATE TRIGGER "Product_touch" BEFORE UPDATE ON "Product" FOR EACH ROW EXECUTE FUNCTION touch();
