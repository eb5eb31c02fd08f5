"""AWS Glue: tables, partitions and schema versions there, as entries of the catalog have them."""
