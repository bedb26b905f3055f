-- CreateEnum
CREATE TYPE "PaymentProvider" AS ENUM ('CARD', 'INVOICE');

-- AlterTable
ALTER TABLE "Payment" ADD COLUMN     "provider" "PaymentProvider" NOT NULL DEFAULT 'CARD';
