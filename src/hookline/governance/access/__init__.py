"""Who may see and change what: policies on tables, rows and columns."""
