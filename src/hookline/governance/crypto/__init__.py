"""How one value is protected: tokens, encryption, format-preserving encryption. Pure functions of a key and a text."""
