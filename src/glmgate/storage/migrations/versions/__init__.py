"""The migrations, in order. Each works with the program that still runs; none is changed once it is released."""
