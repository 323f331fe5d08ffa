"""`glmgate doctor`: finds out what stands between this machine and answers, and says what to do."""
