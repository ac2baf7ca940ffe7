"""Pure steps: frames and relations in, frames and relations out. No clock, file or network."""
