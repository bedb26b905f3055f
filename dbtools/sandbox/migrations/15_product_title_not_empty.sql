ALTER TABLE "Product" ADD CONSTRAINT "Product_title_not_empty" CHECK (length("title") > 0);
