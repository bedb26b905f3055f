CREATE INDEX "Product_search_idx" ON "Product" USING gin (to_tsvector('english', "title" || ' ' || coalesce("description", '')));
