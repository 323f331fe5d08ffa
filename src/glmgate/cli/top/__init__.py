"""`glmgate top`: what a running server is doing, seen live."""
