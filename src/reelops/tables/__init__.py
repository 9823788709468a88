"""Values and tables in files: JSON without losing a bit, schemas and their errors, Data Docs."""
