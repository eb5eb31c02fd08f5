"""Who is told of what went wrong: facts of runs and writes, routed to channels, each told once, and told when it is over."""
