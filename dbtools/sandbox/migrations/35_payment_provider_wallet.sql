-- AlterEnum
ALTER TYPE "PaymentProvider" ADD VALUE 'WALLET';
