"""Compares the copy with one that the SQL has not touched: its rows, its sequences and its attributes."""
