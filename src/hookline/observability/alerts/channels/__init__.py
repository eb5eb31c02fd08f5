"""Where alerts go. Each channel is behind the outbox: one that is dead, slow or refuses loses nothing and costs a job nothing."""
