-- The column keeps its data: renamed by hand.
ALTER TABLE "Review" RENAME COLUMN "words" TO "text";
