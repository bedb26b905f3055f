"""Statements that leave the schema right and something else wrong, each with what has to be said of it.

Also the same with the one statement that puts it right again: of those nothing may be said.
"""
# ruff: noqa: E501, S608 - a statement on one line is easier to read beside what is said of it

from __future__ import annotations

from dataclasses import dataclass

from tests.dbtools.rehearsal.right_downs import OWNER, READER

TAG_ANEW = (
    'CREATE TABLE "Copy" AS SELECT * FROM "Tag"', 'DROP MATERIALIZED VIEW "Sums"', 'DROP TABLE "Tag"',
    'CREATE TABLE "Tag" ("id" INTEGER PRIMARY KEY, "word" TEXT, CONSTRAINT "given" CHECK ("word" <> \'\'))',
    'INSERT INTO "Tag" SELECT * FROM "Copy"', 'DROP TABLE "Copy"',
    'CREATE MATERIALIZED VIEW "Sums" AS SELECT count(*) AS "n" FROM "Tag"',
)  # fmt: skip
TOTALS_ANEW = (
    'DROP VIEW "Totals"',
    'CREATE VIEW "Totals" AS SELECT "userId", sum("total") AS "sum" FROM "Order" GROUP BY 1',
)
SUMS_ANEW = (
    'DROP MATERIALIZED VIEW "Sums"',
    'CREATE MATERIALIZED VIEW "Sums" AS SELECT count(*) AS "n" FROM "Tag" WITH NO DATA',
)
SEQUENCE_ANEW = (
    'ALTER TABLE "User" ALTER COLUMN "id" DROP DEFAULT', 'DROP SEQUENCE "User_id_seq"',
    'CREATE SEQUENCE "User_id_seq" AS integer OWNED BY "User"."id"',
    'ALTER TABLE "User" ALTER COLUMN "id" SET DEFAULT nextval(\'"User_id_seq"\')',
)  # fmt: skip
GOES_ON_AT_1 = "User_id_seq gives 1 next, and User.id goes up to 40 already"


@dataclass(frozen=True, slots=True)
class Silent:
    """Statements that no comparison of schemas notices.

    Attributes:
        what: the kind, for the table of `make wrong-downs`.
        says: a line that the report has to have; "" where there is nothing to say.
    """

    what: str
    statements: tuple[str, ...]
    says: str


SILENT = (
    Silent("permuted values", ('UPDATE "Order" SET "userId" = 41 - "userId"',), "Order.userId in 120 rows"),
    Silent("permuted values", ('UPDATE "Item" SET "orderId" = 121 - "orderId"',), "Item.orderId in 200 rows"),
    Silent("permuted values", ('UPDATE "Tag" SET "word" = \'tag \' || 31 - "id"',), "Tag.word in 30 rows"),
    Silent("permuted values",
           ('UPDATE "Order" SET "userId" = CASE "id" WHEN 1 THEN 3 ELSE 2 END WHERE "id" <= 2',), "Order.userId in 2 rows"),
    Silent("permuted values", ('UPDATE "Visit" SET "at" = 91 - "at" WHERE "at" <= 10 OR "at" > 80',),
           "Visit: 20 rows made way for 20 rows with other values, compared as wholes"),
    Silent("hidden overwrite", ('DELETE FROM "Item" WHERE "id" = 1', 'UPDATE "Item" SET "name" = \'x\''),
           "Item.name in 199 rows"),
    Silent("hidden overwrite", ('UPDATE "Tag" SET "word" = CASE WHEN "id" > 1 THEN \'x\' END',),
           "Tag.word in 30 rows, of which 1 becomes NULL"),
    Silent("hidden overwrite", ('DELETE FROM "Kept" WHERE "id" > 15', 'INSERT INTO "Kept" VALUES (91), (92), (93), (94), (95)'),
           "Kept: 5 rows made way for 5 rows with other keys"),
    Silent("sequences", SEQUENCE_ANEW, GOES_ON_AT_1),
    Silent("sequences", ('ALTER SEQUENCE "User_id_seq" RESTART',), GOES_ON_AT_1),
    Silent("sequences", ('SELECT setval(\'"Order_id_seq"\', 5)',),
           "Order_id_seq gives 6 next, and Order.id goes up to 120 already"),
    Silent("sequences", ('ALTER SEQUENCE "invoice_no" RESTART WITH 100',), "invoice_no is set back from 5,001 to 100"),
    Silent("sequences", ('SELECT setval(\'"invoice_no"\', 9000)',), "invoice_no is set forward from 5,001 to 9,001"),
    Silent("sequences", ('DROP SEQUENCE "invoice_no"', 'CREATE SEQUENCE "invoice_no" START 100', f'GRANT USAGE ON SEQUENCE "invoice_no" TO {READER}'),
           "invoice_no is set back from 5,001 to 100"),
    Silent("privileges", TOTALS_ANEW, f"view Totals SELECT for {READER}: given → none"),
    Silent("privileges", (f'REVOKE SELECT ON "Tag" FROM {READER}',), f"table Tag SELECT for {READER}: given → none"),
    Silent("privileges", (f'GRANT DELETE ON "Item" TO {READER}',), f"table Item DELETE for {READER}: none → given"),
    Silent("privileges", (f'GRANT SELECT ON "Tag" TO {READER} WITH GRANT OPTION',),
           f"table Tag SELECT for {READER}: given → given, and may be passed on"),
    Silent("privileges", (f'GRANT UPDATE ("word") ON "Tag" TO {READER}',), f"table column Tag.word UPDATE for {READER}: none → given"),
    Silent("materialized views", SUMS_ANEW, "materialized view Sums: filled → never filled"),
    Silent("materialized views", ('REFRESH MATERIALIZED VIEW "Sums" WITH NO DATA',), "materialized view Sums: filled → never filled"),
    Silent("owners", ('DROP VIEW "Keeps"', 'CREATE VIEW "Keeps" AS SELECT "id" FROM "Kept"'), f"view Keeps: {OWNER} → portal"),
    Silent("publications", TAG_ANEW, "table Tag changes: member → none"),
    Silent("publications", ('ALTER PUBLICATION "changes" DROP TABLE "Tag"',), "table Tag changes: member → none"),
    Silent("publications", ('ALTER PUBLICATION "changes" ADD TABLE "Kept"',), "table Kept changes: none → member"),
    Silent("comments", ('COMMENT ON TABLE "Kept" IS NULL',), "table Kept: for ever → none"),
    Silent("comments", ('COMMENT ON COLUMN "Tag"."word" IS \'x\'',), "table column Tag.word: none → x"),
    Silent("replica identity", ('ALTER TABLE "Kept" REPLICA IDENTITY DEFAULT',), "table Kept: full → default"),
    Silent("replica identity", ('ALTER TABLE "Tag" REPLICA IDENTITY USING INDEX "Tag_pkey"',), "table Tag: default → index Tag_pkey"),
    Silent("validity",
           ('ALTER TABLE "Tag" DROP CONSTRAINT "given"', 'ALTER TABLE "Tag" ADD CONSTRAINT "given" CHECK ("word" <> \'\') NOT VALID'),
           "table constraint given on Tag: valid → not validated"),
    Silent("statistics targets", ('ALTER TABLE "Tag" ALTER COLUMN "word" SET STATISTICS 7',), "table column Tag.word: none → 7"),
    Silent("statistics targets", ('ALTER TABLE "Kept" ALTER COLUMN "id" SET STATISTICS -1',), "table column Kept.id: 50 → none"),
    Silent("storage options", ('ALTER TABLE "Kept" RESET (fillfactor)',), "table Kept fillfactor: 80 → none"),
    Silent("storage options", ('ALTER TABLE "Tag" SET (autovacuum_enabled = off)',), "table Tag autovacuum_enabled: none → off"),
    Silent("storage options", ('ALTER TABLE "Tag" ALTER COLUMN "word" SET STORAGE EXTERNAL',),
           "table column Tag.word STORAGE: none → external"),
    Silent("storage options", ('ALTER INDEX "Tag_pkey" SET (fillfactor = 50)',), "index Tag_pkey fillfactor: none → 50"),
)  # fmt: skip
PUT_RIGHT = (
    Silent("values", ('UPDATE "Tag" SET "word" = "word"',), ""),
    Silent("values", ('UPDATE "Tag" SET "word" = upper("word")', 'UPDATE "Tag" SET "word" = lower("word")'), ""),
    Silent("sequences", (*SEQUENCE_ANEW, 'SELECT setval(\'"User_id_seq"\', 40)'), ""),
    Silent("sequences", ('ALTER SEQUENCE "invoice_no" RESTART WITH 5001',), ""),
    Silent("privileges", (*TOTALS_ANEW, f'GRANT SELECT ON "Totals" TO {READER}'), ""),
    Silent("materialized views", (*SUMS_ANEW, 'REFRESH MATERIALIZED VIEW "Sums"'), ""),
    Silent("comments", ('COMMENT ON TABLE "Kept" IS \'for ever\'',), ""),
    Silent("statistics targets", ('ALTER TABLE "Kept" ALTER COLUMN "id" SET STATISTICS 50',), ""),
)  # fmt: skip
