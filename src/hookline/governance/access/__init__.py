"""Access: who may see which rows and columns, written once as code, decided here, and enforced in Spark or elsewhere."""
