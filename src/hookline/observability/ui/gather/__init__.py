"""From the store to the documents of the pages: each module makes one, with a connection of ``StoreReader.reading``."""
