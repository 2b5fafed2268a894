"""The only SQL: rows become the values of core and services here."""
