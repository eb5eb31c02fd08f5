"""AWS Lake Formation: what access policies ask of an account, what it has, and what brings the one to the other."""
