"""What is known of every dataset in one place: its entry, the versions of its schema and their rules, its certification."""
