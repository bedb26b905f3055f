INSERT INTO "Category" ("slug", "title") VALUES
    ('garden', 'Garden'),
    ('kitchen', 'Kitchen'),
    ('office', 'Office'),
    ('misc', 'Everything else');
